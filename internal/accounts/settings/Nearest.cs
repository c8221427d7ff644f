namespace Exporter.Accounts;

/// <summary>What somebody probably meant.</summary>
public static class Nearest
{
    /// <summary>The known word nearest to the given one, if it is near enough to be worth saying.</summary>
    public static string? To(string word, IEnumerable<string> known)
    {
        // Longer than any name of ours: not a slip of the pen, and the distance would take its time.
        if (word.Length > 100)
        {
            return null;
        }

        var plain = Plain(word);
        return known
            .Select(name => new { Name = name, Distance = Distance(plain, Plain(name)) })
            .Where(candidate => candidate.Distance <= Math.Max(1, plain.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .FirstOrDefault()?.Name;
    }

    /// <summary><c>; did you mean interval?</c>, or the other remedy.</summary>
    internal static string Remedy(string word, IEnumerable<string> known, string otherwise) =>
        To(word, known) is { } near ? $"; did you mean {near}?" : $"; {otherwise}";

    private static string Plain(string word) => word.TrimStart('-').Replace('-', '_').ToLowerInvariant();

    /// <summary>Levenshtein's distance, two neighbours swapped counting as one slip.</summary>
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }

                var change = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
