using System.Collections.Frozen;
using System.Globalization;
using Exporter.Metrics;

namespace Exporter.Web;

/// <summary>What a metric measures, for a person: read off its name, because the page knows no source.</summary>
/// <param name="Unit">As it is written behind a number; empty where the name has none.</param>
internal sealed record Quantity(string Title, string Unit)
{
    private const string Moment = "_timestamp_seconds";

    /// <summary>Prometheus's base units. A source adds its others through <see cref="Accounts.Account.Units"/>.</summary>
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

    /// <summary>Whether its values are moments in time, in Unix seconds.</summary>
    public static bool IsMoment(MetricFamily family) =>
        family.Name.EndsWith(Moment, StringComparison.Ordinal) || family.Help.StartsWith("Timestamp", StringComparison.Ordinal);

    /// <param name="prefix">What all metrics of the account begin with, which says nothing.</param>
    /// <param name="units">The signs of further units, by the last word of a metric's name.</param>
    public static Quantity Of(string metric, string prefix, IReadOnlyDictionary<string, string> units)
    {
        var name = metric.EndsWith(Moment, StringComparison.Ordinal) ? metric[..^Moment.Length] : metric;
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

    /// <summary>The first word of all names, or the first two: <c>source_sensor_</c>.</summary>
    public static string PrefixOf(IEnumerable<string> metrics)
    {
        var names = metrics.Select(m => m.Split('_')).ToList();
        var shared = names.Count == 0 ? 0 : Enumerable.Range(0, 2).TakeWhile(i => names.All(n => n.Length > i + 1 && n[i] == names[0][i])).Count();
        return string.Concat(names.Take(1).SelectMany(n => n.Take(shared)).Select(word => word + "_"));
    }

    /// <summary>What a device says of itself comes after what it measures.</summary>
    public bool IsOfDevice => DeviceWords.Any(word => Title.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>The lowest or highest of a time: for a plot, a second drawing of the quantity itself. Its name; null for any other.</summary>
    public static string? ExtremeOf(string metric) =>
        Extremes.Where(word => metric.Contains(word, StringComparison.Ordinal)).Select(word => metric.Replace(word, "_", StringComparison.Ordinal)).FirstOrDefault();

    public string Text(double value) => Number(value) + Suffix;

    public static string Number(double value) => value.ToString(Math.Abs(value) >= 1e9 ? "0.###e0" : "0.###", CultureInfo.InvariantCulture);

    // No space before a degree sign or per cent in tables this narrow; a no-break space before the rest.
    private string Suffix => Unit is "" or "°" or "%" ? Unit : "\u00a0" + Unit;

    /// <summary>CO2 and RF are written large: nobody could say them as words.</summary>
    private static string Word(string word) =>
        word.Any(char.IsAsciiDigit) || !word.Any(c => "aeiouy".Contains(c, StringComparison.Ordinal)) ? word.ToUpperInvariant() : word;
}
