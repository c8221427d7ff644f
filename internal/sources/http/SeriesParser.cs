using System.Globalization;

namespace Exporter.Http;

/// <summary>Reads the series of a module.</summary>
/// <param name="prefix">The module's name, which every metric starts with.</param>
internal sealed class SeriesParser(ModuleText text, string prefix, IReadOnlyList<ModuleRequest> requests)
{
    /// <summary>Units that are not Prometheus' base units, and those that are.</summary>
    private static readonly BaseUnit[] BaseUnits =
    [
        new("fahrenheit", "celsius"), new("kelvin", "celsius"), new("percent", "ratio"), new("ms", "seconds"), new("milliseconds", "seconds"),
            new("minutes", "seconds"),
        new("hours", "seconds"), new("days", "seconds"), new("kwh", "joules"), new("wh", "joules"), new("kilowatthours", "joules"),
            new("watthours", "joules"),
        new("kilowatts", "watts"), new("kw", "watts"), new("hpa", "pascals"), new("mbar", "pascals"), new("bar", "pascals"),
            new("hectopascals", "pascals"),
        new("kilometers", "meters"), new("km", "meters"), new("miles", "meters"), new("kilograms", "grams"), new("kilobytes", "bytes"),
            new("megabytes", "bytes"),
    ];

    /// <summary>Labels of Prometheus, of a histogram or a summary, of the exporter, and of a state set.</summary>
    private static readonly string[] ReservedLabels = ["account", "le", "quantile", "job", "instance", "state"];

    private readonly Dictionary<string, MetricKind> kinds = new(StringComparer.Ordinal);

    public IReadOnlyList<SeriesGroup> Parse(IEnumerable<YamlValue> items) => [.. items.Select(Group).OfType<SeriesGroup>()];

    private SeriesGroup? Group(YamlValue value)
    {
        if (value.Text("from") is not { } from || requests.FirstOrDefault(request => request.Name == from) is not { } request)
        {
            if (value.Find("from") is { } wrong)
            {
                var known = requests.Select(one => one.Name).ToList();
                text.Problems.Add(wrong, "there is no such request" + Nearest.Remedy(
                    value.Text("from") ?? "", known, known.Count == 0 ? "write it below requests:" : $"there are {string.Join(", ", known)}"));
            }
            return null;
        }
        string[] outer = [.. request.Loops.Select(loop => loop.Name)];
        IReadOnlyCollection<string> Within(IReadOnlyList<string> loops) => [.. ModuleNames.Within(requests, [.. outer, .. loops]), "answer"];
        var loops = text.Loops(value.Entries("for"), Within, [.. requests.Select(one => one.Name), "answer", .. outer]);
        var names = Within([.. loops.Select(loop => loop.Name)]);
        var group = new SeriesGroup(
            request,
            loops,
            text.Formula(value.Find("where"), names),
            text.Formula(value.Find("time"), names),
            text.Duration(value.Find("stale"), TimeSpan.FromSeconds(1)),
            value.Text("duplicates") == "first",
            Labels(value.Entries("labels"), names),
            [.. value.Entries("metrics").Select(entry => Metric(entry, names)).OfType<ModuleMetric>()]);
        if (value.FindEntry("stale") is { } stale && value.Find("time") is null)
        {
            text.Problems.Add(stale, "the age follows from when the values were measured; add time: with that time in Unix seconds");
        }
        return group;
    }

    private List<ModuleLabel> Labels(IEnumerable<YamlEntry> entries, IReadOnlyCollection<string> names)
    {
        var labels = new List<ModuleLabel>();
        foreach (var entry in entries)
        {
            if (!IsName(entry.Key) || entry.Key.StartsWith("__", StringComparison.Ordinal))
            {
                text.Problems.Add(entry, "a label's name has letters, digits and _, and starts with a letter; rename it");
            }
            else if (ReservedLabels.Contains(entry.Key))
            {
                text.Problems.Add(entry, $"the label {entry.Key} has a meaning of its own in Prometheus or the exporter; rename it");
            }
            var value = entry.Value is YamlValue.Map ? entry.Value.Find("value") : entry.Value;
            if (text.Formula(value, names) is { } formula)
            {
                var map = entry.Value.Find("map") is null ? null : entry.Value.Entries("map")
                    .ToDictionary(one => one.Key, one => (one.Value as YamlValue.Scalar)?.Text ?? "", StringComparer.Ordinal);
                labels.Add(new ModuleLabel(entry.Key, formula, map));
            }
        }
        return labels;
    }

    private ModuleMetric? Metric(YamlEntry entry, IReadOnlyCollection<string> names)
    {
        var (name, value) = (entry.Key, entry.Value);
        var kind = value.Text("type") switch
        {
            "counter" => MetricKind.Counter,
            "info" => MetricKind.Info,
            "stateset" => MetricKind.StateSet,
            null when name.EndsWith("_total", StringComparison.Ordinal) => MetricKind.Counter,
            null when name.EndsWith("_info", StringComparison.Ordinal) => MetricKind.Info,
            null when value.Find("states") is not null => MetricKind.StateSet,
            _ => MetricKind.Gauge,
        };
        CheckName(entry, kind);
        var states = value.Texts("states");
        if (states.Count == 0 && kind == MetricKind.StateSet)
        {
            text.Problems.Add(entry, $"{name} needs states: with the list of its states");
        }
        if (value.Find("value") is null != (kind == MetricKind.Info))
        {
            text.Problems.Add(entry, kind == MetricKind.Info ? $"{name} is an info, whose value is always 1; remove value:"
                : $"{name} needs value: with a formula");
        }
        var metric = new ModuleMetric(
            name,
            value.Text("help") ?? "",
            kind,
            text.Formula(value.Find("value"), names),
            Map(value),
            states,
            Labels(value.Entries("labels"), names),
            text.Formula(value.Find("where"), names),
            MetricDisplays.Of(name, prefix, value.Find("show")));
        return metric;
    }

    private Dictionary<string, double>? Map(YamlValue value)
    {
        if (value.Find("map") is null)
        {
            return null;
        }
        var map = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var entry in value.Entries("map"))
        {
            if (double.TryParse((entry.Value as YamlValue.Scalar)?.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                map[entry.Key] = number;
            }
            else
            {
                text.Problems.Add(entry.Value, "a map of a metric has a number for each text; write a number, or use states: for names");
            }
        }
        return map;
    }

    private void CheckName(YamlEntry entry, MetricKind kind)
    {
        var name = entry.Key;
        if (!IsName(name) || !name.StartsWith(prefix + "_", StringComparison.Ordinal) || name.Any(char.IsAsciiLetterUpper))
        {
            text.Problems.Add(entry, $"a metric's name has lowercase letters, digits and _, and starts with {prefix}_; rename it");
        }
        if (kind == MetricKind.Counter != name.EndsWith("_total", StringComparison.Ordinal))
        {
            text.Problems.Add(entry, "the name of a counter, and no other name, ends in _total; rename it or change type:");
        }
        if (kind == MetricKind.Info != name.EndsWith("_info", StringComparison.Ordinal))
        {
            text.Problems.Add(entry, "the name of an info, and no other name, ends in _info; rename it or change type:");
        }
        if (kinds.TryGetValue(name, out var other) && other != kind)
        {
            text.Problems.Add(entry, $"{name} has the type {other.ToString().ToLowerInvariant()} elsewhere in this file; use one type");
        }
        kinds[name] = kind;
        var parts = name.Split('_');
        if (Array.Find(BaseUnits, known => parts.Contains(known.Unit)) is var (unit, better))
        {
            text.Problems.Warn(entry,
                $"{name}: Prometheus uses base units; name it {name.Replace("_" + unit, "_" + better, StringComparison.Ordinal)} "
                + "and convert the value, for example with base(value, unit)");
        }
    }

    private static bool IsName(string name) =>
        name.Length > 0 && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private sealed record BaseUnit(string Unit, string Better);
}
