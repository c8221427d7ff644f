namespace Exporter.Accounts;

/// <summary>The unparsed value of a setting: one text, or several for a repeated flag or a list in the file.</summary>
/// <param name="Yaml">The value in the file; null for a value from elsewhere.</param>
internal sealed record RawValue(IReadOnlyList<string> Texts, Origin Origin, YamlValue? Yaml = null)
{
    /// <summary>The entries of a map; null if it is none.</summary>
    public IReadOnlyList<RawEntry>? Entries { get; init; }

    /// <summary>The last text: it wins if a flag is repeated.</summary>
    public string Text => Texts[^1];

    public static RawValue Default(string text, string directory) => new([text], new Origin(Layer.Default, "default", directory));

    public static RawValue Of(YamlValue value, Origin origin) => new(value switch
    {
        YamlValue.Scalar { Text: { } text } => [text],
        YamlValue.List { Items: { Count: > 0 } items } => [.. items.Select(item => (item as YamlValue.Scalar)?.Text ?? "")],
        _ => [""],
    }, origin, value)
    {
        Entries = value is YamlValue.Map map
            ? [.. map.Entries.Select(entry => new RawEntry(
                entry.Key, (entry.Value as YamlValue.Scalar)?.Text ?? "", origin.At(entry.Key, entry.Line)))]
            : null,
    };

    /// <summary>The values of known settings. An unknown key, or a value in the file that does not have the setting's shape, is a problem.</summary>
    /// <param name="unknown">The sentence for an unknown key.</param>
    public static Dictionary<string, RawValue> OfKnown(IEnumerable<KeyValuePair<string, RawValue>> values, IEnumerable<Setting> settings,
        Func<string, RawValue, string> unknown, Action<Problem> report)
    {
        var known = Setting.WithFiles(settings).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        var accepted = new Dictionary<string, RawValue>(StringComparer.Ordinal);
        foreach (var (key, raw) in values)
        {
            if ((known.TryGetValue(key, out var setting) ? raw.ShapeProblem(setting) : unknown(key, raw)) is { } wrong)
            {
                report(raw.Origin.Problem(wrong));
            }
            else
            {
                accepted[key] = raw;
            }
        }
        return accepted;
    }

    private string? ShapeProblem(Setting setting) => setting.IsMap ? MapProblem() : Yaml switch
    {
        null or YamlValue.Scalar => null,
        YamlValue.List { Items: { Count: > 0 } items } when setting.IsList =>
            items.All(item => item is YamlValue.Scalar { Text.Length: > 0 }) ? null : "each item of this list must be a single value",
        YamlValue.List when setting.IsList => "this list is empty; write an item, or remove the setting",
        YamlValue.List => "this must be a single value, not a list",
        _ => setting.IsList ? "this must be a list, not a map" : "this must be a single value, not a map",
    };

    private string? MapProblem() => Yaml switch
    {
        null or YamlValue.Scalar { Text: null } => null,
        YamlValue.Map { Entries.Count: 0 } when Entries is [] => "this map is empty; write an entry, or remove the setting",
        YamlValue.Map map => map.Entries.FirstOrDefault(entry => entry.Value is not YamlValue.Scalar) is { } nested
            ? $"the value of {Quote.Plain(nested.Key)} must be a single text"
            : null,
        _ => "this must be a map; write each entry as NAME: TEXT on a line below it",
    };
}
