namespace Exporter.Accounts;

/// <summary>One thing that is wrong, in one line: where, what, and the remedy.</summary>
/// <param name="Place">Where it was said: <c>accounts.yml:12</c>, a variable, a flag, an account.</param>
/// <param name="Sentence">What is wrong and what to do about it; never contains a secret.</param>
public sealed record Problem(string Place, string Sentence)
{
    internal int Line { get; init; }

    public override string ToString() => $"{Place}: {Sentence}";
}

/// <summary>Everything that is wrong, collected while the configuration is read, so that one run tells it all. Not thread-safe.</summary>
internal sealed class Problems
{
    private readonly List<Problem> problems = [];
    private Problem? hint;
    private Problem? hintIfMissed;

    /// <summary>What was found in the file in the order of its lines, then what was found elsewhere, then a closing hint if there is one.</summary>
    public IReadOnlyList<Problem> All
    {
        get
        {
            IEnumerable<Problem> sorted = problems.OrderBy(problem => problem.Line == 0 ? int.MaxValue : problem.Line);
            return [.. hint is null ? sorted : sorted.Append(hint)];
        }
    }

    public void Add(Problem problem)
    {
        if (!problems.Contains(problem))
        {
            problems.Add(problem);
        }
    }

    /// <summary>A setting is missing that has to be there.</summary>
    public void Missed() => hint = hintIfMissed;

    /// <summary>The closing hint, should anything be missed from now on.</summary>
    public void HintIfMissed(Problem problem) => hintIfMissed = problem;
}

/// <summary>Text of a stranger, made fit for one line of ours.</summary>
internal static class Quote
{
    private const int Longest = 60;

    public static string Of(string text) => $"\"{Plain(text)}\"";

    public static string Plain(string text, int longest = Longest)
    {
        var line = string.Concat(text.Take(longest).Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '?' : c));
        return text.Length > longest ? line + "…" : line;
    }
}
