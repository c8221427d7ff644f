using System.Globalization;
using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>
/// A YAML file that defines metrics for keys without a built-in metric: <c>KEY: {metric, help, scale, labels, values}</c>. Only
/// <c>metric</c> is required.
/// </summary>
internal static class BmwMappingFile
{
    /// <summary>The prefix of every metric of a car. It protects the metrics of other sources.</summary>
    private const string Prefix = "bmw_vehicle_";

    private static readonly string[] Known = ["metric", "help", "scale", "labels", "values"];

    public static IReadOnlyList<Custom> Read(string path, Section section, Setting setting)
    {
        var (text, problem) = SmallFile.Read(path, YamlFile.Largest);
        if (text is null)
        {
            section.Problem(setting, problem!);
            return [];
        }
        section.AddDependency(text);
        var (metrics, problems) = Parse(Path.GetFileName(path), text);
        foreach (var found in problems)
        {
            section.Add(found);
        }
        return metrics;
    }

    /// <param name="name">The name of the file, for the problems.</param>
    public static (IReadOnlyList<Custom> Metrics, IReadOnlyList<Problem> Problems) Parse(string name, string text)
    {
        var (top, found) = YamlFile.Parse(name, text);
        List<Problem> problems = [.. found];
        return ([.. (top?.Entries ?? []).Select(entry => new EntryReader(name, entry.Key, problems).Read(entry.Value)).OfType<Custom>()], problems);
    }

    /// <summary>Reads the entry of one key.</summary>
    private sealed class EntryReader(string file, string key, List<Problem> problems)
    {
        public Custom? Read(YamlValue value)
        {
            if (value is not YamlValue.Map map)
            {
                return Report<Custom>(value.Line, "needs metric: NAME below it; write one");
            }
            var before = problems.Count;
            foreach (var entry in map.Entries.Where(entry => !Known.Contains(entry.Key)))
            {
                Report<Custom>(entry.Line, $"there is no {Sanitize.Line(entry.Key)} here; use one of {string.Join(", ", Known)}");
            }
            var metric = Text(map, "metric");
            var wrong = metric switch
            {
                null => $"needs a metric; write metric: and a name that begins with {Prefix}",
                _ when !IsMetric(metric) =>
                    $"a metric's name begins with {Prefix}, has lowercase letters, digits and _, and does not end with _total or _info; rename it",
                _ when BmwVehicleMetrics.All.Any(known => known is StateSet && known.Name == metric) =>
                    $"{metric} is a set of states and cannot contain numbers; choose another name",
                _ => null,
            };
            if (wrong is not null)
            {
                Report<Custom>(map.Line, wrong);
            }
            var help = Text(map, "help") ?? $"The value of {key}.";
            var scale = Number(Text(map, "scale") ?? "1", map.Line, "scale");
            var labels = Texts(map, "labels");
            foreach (var (label, _, line) in labels.Where(label => !IsLabel(label.Name)))
            {
                Report<Custom>(line, $"{Sanitize.Line(label)} is not a valid label name or is reserved; choose another");
            }
            var values = Texts(map, "values").ToDictionary(v => v.Name, v => Number(v.Value, v.Line, "value"), StringComparer.Ordinal);
            return problems.Count > before ? null : new Custom(metric!, help.TrimEnd('.'), help, scale, values,
                new KeySeries(BmwKeys.Short(key), [.. labels.Select(label => (label.Name, label.Value))]));
        }

        private string? Text(YamlValue.Map map, string member) => Find(map, member) switch
        {
            null => null,
            YamlValue.Scalar { Text: { Length: > 0 } text } => text,
            var other => Report<string>(other.Line, $"{member} needs one value; write it after the colon"),
        };

        private List<(string Name, string Value, int Line)> Texts(YamlValue.Map map, string member) => Find(map, member) switch
        {
            null => [],
            YamlValue.Map inner => [.. inner.Entries.Select(entry => (entry.Key, Text(inner, entry.Key) ?? "", entry.Line))],
            var other => Report<List<(string, string, int)>>(other.Line, $"{member} needs lines with NAME: VALUE below it; write them") ?? [],
        };

        private double Number(string text, int line, string member) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? number
                : Report<double>(line, $"the {member} is not a number; write one, such as 0.001");

        private static YamlValue? Find(YamlValue.Map map, string member) => map.Entries.FirstOrDefault(entry => entry.Key == member)?.Value;

        /// <summary>Adds a problem. Returns no value, for use as one.</summary>
        private T? Report<T>(int line, string sentence)
        {
            problems.Add(new Problem($"{file}:{line}", $"{Sanitize.Line(key)}: {sentence}"));
            return default;
        }

        private static bool IsMetric(string metric) =>
            metric.StartsWith(Prefix, StringComparison.Ordinal) && metric.Length > Prefix.Length && metric.All(IsLower)
            && !metric.EndsWith("_total", StringComparison.Ordinal) && !metric.EndsWith("_info", StringComparison.Ordinal);

        private static bool IsLabel(string label) =>
            label.Length > 0 && !char.IsAsciiDigit(label[0]) && label.All(IsLower) && label is not ("vin" or "account" or "le")
            && !label.StartsWith("__", StringComparison.Ordinal);

        private static bool IsLower(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_';
    }
}
