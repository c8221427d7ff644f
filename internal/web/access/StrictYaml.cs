namespace Exporter.Web;

/// <summary>Reads a YAML file strictly: every unknown key or invalid value is a problem of one line.</summary>
/// <param name="path">As the user wrote it, for messages.</param>
internal abstract class StrictYaml(string path)
{
    protected List<Problem> Problems { get; } = [];

    /// <summary>Calls the reader of each key in a mapping, and returns the number of keys.</summary>
    protected int ReadKeys(Entry entry, Dictionary<string, Action<Entry>> readers)
    {
        var children = ReadMap(entry);
        foreach (var (key, child) in children)
        {
            if (readers.TryGetValue(key, out var read))
            {
                read(child);
            }
            else
            {
                Add(child, "unknown key" + Suggestion(key, readers.Keys));
            }
        }
        return children.Count;
    }

    protected List<(string Key, Entry Child)> ReadMap(Entry entry)
    {
        if (entry.Value is YamlValue.Map map)
        {
            var prefix = entry.Key.Length > 0 ? entry.Key + "." : "";
            return [.. map.Entries.Select(e => (e.Key, new Entry(prefix + Sanitize.Line(e.Key), e.Value, e.Line)))];
        }
        if (entry.Value is not YamlValue.Scalar { Text: null })
        {
            Add(entry, "write a mapping, with lines of KEY: VALUE");
        }
        return [];
    }

    protected string ReadText(Entry entry)
    {
        if (entry.Value is YamlValue.Scalar scalar)
        {
            return scalar.Text ?? "";
        }
        Add(entry, "write one value");
        return "";
    }

    protected IEnumerable<string> ReadTexts(Entry entry)
    {
        if (entry.Value is YamlValue.List list)
        {
            return list.Items.Select((item, i) => ReadText(new Entry($"{entry.Key}[{i}]", item, item.Line)));
        }
        Add(entry, "write a list");
        return [];
    }

    protected static string Suggestion(string text, IEnumerable<string> known) =>
        Nearest.Remedy(text, known, $"use one of {string.Join(", ", known)}");

    /// <summary>The value before its problem, except a list or a map.</summary>
    protected static string Shown(Entry entry) => entry.Value is YamlValue.Scalar { Text: { } text } ? $"\"{Sanitize.Line(text, 60)}\": " : "";

    protected void Add(Entry entry, string problem) => Problems.Add(At(entry, problem));

    protected Problem At(Entry entry, string problem) => new($"{path}:{entry.Line}", $"{entry.Key}: {problem}");

    protected sealed record Entry(string Key, YamlValue Value, int Line);
}
