namespace Exporter.Accounts;

/// <summary>One error in the configuration, as one line: where, what, and the fix.</summary>
/// <param name="Place">Where the value is: <c>accounts.yml:12</c>, a variable, a flag, an account.</param>
/// <param name="Sentence">The error and the fix; never contains a secret.</param>
public sealed record Problem(string Place, string Sentence)
{
    internal int Line { get; init; }

    public override string ToString() => $"{Place}: {Sentence}";
}

/// <summary>Collects all errors while the configuration is read, so that one run reports them all. Not thread-safe.</summary>
internal sealed class Problems
{
    private readonly List<Problem> problems = [];
    private readonly List<Setting> missing = [];
    private Problem? hint;
    private Problem? hintIfMissing;

    /// <summary>Errors in the file in the order of its lines, then other errors, then a closing hint if there is one.</summary>
    public IReadOnlyList<Problem> All =>
        [.. problems.OrderBy(problem => problem.Line == 0 ? int.MaxValue : problem.Line), .. hint is null ? [] : new[] { hint }];

    public void Add(Problem problem)
    {
        if (!problems.Contains(problem))
        {
            problems.Add(problem);
        }
    }

    /// <summary>What works but should change, and lines that are ignored.</summary>
    public List<Problem> Warnings { get; } = [];

    /// <summary>The content for which each name is claimed.</summary>
    public Dictionary<string, string> Claims { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether nothing configures an account.</summary>
    public bool NothingIsConfigured { get; set; }

    /// <summary>The required settings that are missing.</summary>
    public IReadOnlyList<Setting> Missing => missing;

    /// <summary>Records that a required setting is missing.</summary>
    public void Missed(Setting setting)
    {
        missing.Add(setting);
        hint = hintIfMissing;
    }

    /// <summary>Sets the closing hint for required settings that are missing from now on.</summary>
    public void HintIfMissed(Problem problem) => hintIfMissing = problem;
}

/// <summary>Quotes text from outside in one line.</summary>
internal static class Quote
{
    public static string Of(string text) => $"\"{Plain(text)}\"";

    public static string Plain(string text) => Sanitize.Line(text, 60);
}
