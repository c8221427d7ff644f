using System.Collections.Frozen;
using System.Globalization;

namespace Exporter.Web;

/// <summary>The title and unit of a metric, derived from its name, because the page depends on no source.</summary>
/// <param name="Unit">The unit's symbol; empty if the name has no unit.</param>
internal sealed record Quantity(string Title, string Unit)
{
    private const string TimestampSuffix = "_timestamp_seconds";

    /// <summary>Prometheus's base units. A source adds others with <see cref="Accounts.Account.Units"/>.</summary>
    private static readonly FrozenDictionary<string, string> BaseUnits = new Dictionary<string, string>
    {
        ["amperes"] = "A",
        ["bytes"] = "B",
        ["celsius"] = "°C",
        ["grams"] = "g",
        ["joules"] = "J",
        ["meters"] = "m",
        ["seconds"] = "s",
        ["volts"] = "V",
    }.ToFrozenDictionary();

    private static readonly string[] DeviceWords = ["battery", "signal", "firmware"];

    private static readonly string[] Extremes = ["_min_", "_max_"];

    /// <summary>Whether the values are times, in Unix seconds.</summary>
    public static bool IsTimestamp(MetricFamily family) =>
        family.Name.EndsWith(TimestampSuffix, StringComparison.Ordinal) || family.Help.StartsWith("Timestamp", StringComparison.Ordinal);

    /// <param name="prefix">The common prefix of the account's metrics, which the title omits.</param>
    /// <param name="units">The symbols of further units, by the last part of a metric's name.</param>
    public static Quantity FromMetric(string metric, string prefix, IReadOnlyDictionary<string, string> units)
    {
        var name = metric.EndsWith(TimestampSuffix, StringComparison.Ordinal) ? metric[..^TimestampSuffix.Length] : metric;
        var words = name[(name.Length > prefix.Length ? prefix.Length : 0)..].Split('_', StringSplitOptions.RemoveEmptyEntries).ToList();
        if (words is [.., "total"] && words.Count > 1)
        {
            words.RemoveAt(words.Count - 1);
        }
        var unit = "";
        if (name == metric && words.Count > 1 && (units.TryGetValue(words[^1], out var known) || BaseUnits.TryGetValue(words[^1], out known)))
        {
            unit = known;
            words.RemoveAt(words.Count - 1);
        }
        var title = string.Join(' ', words.Select(Word));
        return new Quantity(title.Length > 0 ? char.ToUpperInvariant(title[0]) + title[1..] : metric, unit);
    }

    /// <summary>The common prefix of at most two parts, such as <c>source_sensor_</c>.</summary>
    public static string PrefixOf(IEnumerable<string> metrics)
    {
        var names = metrics.Select(m => m.Split('_')).ToList();
        return string.Concat(Enumerable.Range(0, 2).TakeWhile(i => names.Count > 0 && names.All(n => n.Length > i + 1 && n[i] == names[0][i]))
            .Select(i => names[0][i] + "_"));
    }

    /// <summary>Whether it is the state of a device, which pages show after its measurements.</summary>
    public bool IsDeviceState => DeviceWords.Any(word => Title.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>For a minimum or maximum, the metric that it belongs to, whose plot shows the same values; otherwise null.</summary>
    public static string? BaseOfExtreme(string metric) =>
        Extremes.FirstOrDefault(part => metric.Contains(part, StringComparison.Ordinal)) is { } part
            ? metric.Replace(part, "_", StringComparison.Ordinal)
            : null;

    public string Text(double value) => Number(value) + Suffix;

    public static string Number(double value) => value.ToString(Math.Abs(value) >= 1e9 ? "0.###e0" : "0.###", CultureInfo.InvariantCulture);

    // To save space, none before a degree or percent sign; otherwise a no-break space.
    private string Suffix => Unit is "" or "°" or "%" ? Unit : "\u00a0" + Unit;

    /// <summary>Abbreviations such as CO2 and RF, which have digits or no vowels, are upper case.</summary>
    private static string Word(string word) =>
        word.Any(char.IsAsciiDigit) || !word.Any(c => "aeiouy".Contains(c, StringComparison.Ordinal)) ? word.ToUpperInvariant() : word;
}
