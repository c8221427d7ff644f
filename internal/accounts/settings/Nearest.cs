namespace Exporter.Accounts;

/// <summary>Suggestions for misspelled names.</summary>
public static class Nearest
{
    /// <summary>The known name nearest to a word; null if none is similar.</summary>
    public static string? To(string word, IEnumerable<string> known)
    {
        // Longer than any name, so not a typing error, and the distance would be slow.
        if (word.Length > 100)
        {
            return null;
        }
        var plain = Normalize(word);
        return known
            .Select(name => new { Name = name, Distance = Distance(plain, Normalize(name)) })
            .Where(candidate => candidate.Distance <= Math.Max(1, plain.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .FirstOrDefault()?.Name;
    }

    /// <summary><c>; did you mean interval?</c>, or the other fix.</summary>
    public static string Remedy(string word, IEnumerable<string> known, string otherwise) =>
        To(word, known) is { } near ? $"; did you mean {near}?" : $"; {otherwise}";

    private static string Normalize(string word) => word.TrimStart('-').Replace('-', '_').ToLowerInvariant();

    /// <summary>The Levenshtein distance, with a swap of two neighbors as one edit.</summary>
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                d[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }
        return d[a.Length, b.Length];
    }
}
