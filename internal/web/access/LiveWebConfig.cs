namespace Exporter.Web;

/// <summary>
/// The current web configuration. It is read again for every request, as in exporter-toolkit, so that a changed password applies immediately.
/// While the file is invalid, every request is rejected. Safe for concurrent use.
/// </summary>
internal sealed class LiveWebConfig(string path, WebConfig initial, ILogger logger)
{
    private readonly Lock gate = new();
    private string? text;
    private WebConfig? config = initial;
    private string? lastProblem;

    /// <summary>The configuration at startup, which determines the listeners and the rate limit.</summary>
    public WebConfig Initial { get; } = initial;

    /// <summary>Null while the file is invalid.</summary>
    public WebConfig? Current()
    {
        var (read, problem) = SmallFile.Read(path, YamlFile.Largest);
        lock (gate)
        {
            if (read is null || read != text)
            {
                text = read;
                (config, problem) = read is null ? new(null, problem) : Parse(read);
                Log(problem);
            }
            return config;
        }
    }

    private Result<WebConfig, string> Parse(string yaml)
    {
        var (parsed, problems) = WebConfigReader.Read(path, yaml);
        // A listener cannot switch between plain text and TLS. A request that should be encrypted must not be served without.
        return parsed is not null && (parsed.Tls is null) != (Initial.Tls is null)
            ? new(null, $"{path}: tls_server_config was added or removed, which requires a restart; restart the exporter")
            : new(parsed, problems.Count > 0 ? string.Join("; ", problems) : null);
    }

    private void Log(string? problem)
    {
        if (problem is null && lastProblem is not null)
        {
            logger.LogInformation("the web configuration file is valid again");
        }
        else if (problem != lastProblem)
        {
            logger.LogError("every request is rejected until you fix the web configuration file: {Problem}", problem);
        }
        lastProblem = problem;
    }
}
