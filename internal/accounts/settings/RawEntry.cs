namespace Exporter.Accounts;

/// <summary>One unparsed entry of a map.</summary>
internal sealed record RawEntry(string Key, string Text, Origin Origin)
{
    /// <summary>Reads <c>name=text,name=text</c>.</summary>
    /// <returns>The entries, or a sentence that shows no text, because a text may be secret.</returns>
    public static Result<IReadOnlyList<RawEntry>, string> Parse(string text, Origin origin)
    {
        var entries = new List<RawEntry>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                return "each part between commas must be NAME=TEXT; for a text with a comma, set a variable of its own that ends with __NAME";
            }
            var key = part[..equals].TrimEnd();
            if (entries.Exists(entry => entry.Key == key))
            {
                return $"this sets {Quote.Plain(key)} twice; keep one of the two";
            }
            entries.Add(new RawEntry(key, part[(equals + 1)..], origin));
        }
        return entries;
    }

    /// <summary>The entries of both; of two with the same key, the one with the higher priority.</summary>
    public static IReadOnlyList<RawEntry> Merge(IReadOnlyList<RawEntry> one, IReadOnlyList<RawEntry> other)
    {
        var merged = one.ToList();
        foreach (var entry in other)
        {
            var at = merged.FindIndex(known => known.Key == entry.Key);
            if (at < 0)
            {
                merged.Add(entry);
            }
            else if (merged[at].Origin.Layer < entry.Origin.Layer)
            {
                merged[at] = entry;
            }
        }
        return merged;
    }
}
