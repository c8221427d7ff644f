namespace Exporter.Web;

/// <summary>The current content of a small file, which is read again at each use. Safe for concurrent use.</summary>
/// <param name="parse">Returns the content, or the problem as a sentence. One call at a time.</param>
/// <param name="rejected">What is rejected while the file is invalid: <c>every request</c>.</param>
/// <param name="noun">The file in sentences: <c>the web configuration file</c>.</param>
internal sealed class LiveFile<T>(
    string path, T initial, Func<string, Result<T, string>> parse, string rejected, string noun, ILogger logger)
    where T : class
{
    private readonly Lock gate = new();
    private string? text;
    private T? content = initial;
    private string? lastProblem;

    /// <summary>Null while the file is invalid.</summary>
    public T? Current()
    {
        var (read, problem) = SmallFile.Read(path, YamlFile.Largest, isReadAgain: true);
        lock (gate)
        {
            if (read is null || read != text)
            {
                text = read;
                (content, problem) = read is null ? new(null, problem) : parse(read);
                Log(problem);
            }
            return content;
        }
    }

    private void Log(string? problem)
    {
        if (problem is null && lastProblem is not null)
        {
            logger.LogInformation("{File} is valid again", noun);
        }
        else if (problem != lastProblem)
        {
            logger.LogError("{Rejected} is rejected until you fix {File}: {Problem}", rejected, noun, problem);
        }
        lastProblem = problem;
    }
}
