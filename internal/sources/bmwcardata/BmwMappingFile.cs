using System.Globalization;
using Exporter.Accounts;
using Exporter.Tokens;
using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>
/// A YAML file that makes metrics of keys which this program does not know: <c>KEY: {metric, help, scale, labels, values}</c>, of which
/// only <c>metric</c> has to be there.
/// </summary>
internal static class BmwMappingFile
{
    /// <summary>Every metric of a car begins so; another source's families are safe from a user's file.</summary>
    private const string Prefix = "bmw_vehicle_";

    private static readonly string[] Known = ["metric", "help", "scale", "labels", "values"];

    public static IReadOnlyList<Mapped> Read(string path, Section section, Setting setting)
    {
        var (text, problem) = SmallFile.Read(path, YamlFile.Largest);
        if (text is null)
        {
            section.Problem(setting, problem!);
            return [];
        }
        var (mappings, problems) = Parse(Path.GetFileName(path), text);
        foreach (var found in problems)
        {
            section.Add(found);
        }
        return mappings;
    }

    /// <param name="name">The file's, for the problems.</param>
    public static (IReadOnlyList<Mapped> Mappings, IReadOnlyList<Problem> Problems) Parse(string name, string text)
    {
        var (top, found) = YamlFile.Parse(name, text);
        var file = new Reader(name, [.. found]);
        var mappings = (top?.Entries ?? []).Select(entry => file.Mapping(entry.Key, entry.Value)).OfType<Mapped>().ToList();
        return (mappings, file.Problems);
    }

    private sealed class Reader(string name, List<Problem> problems)
    {
        public IReadOnlyList<Problem> Problems => problems;

        public Mapped? Mapping(string key, YamlValue value)
        {
            if (value is not YamlValue.Map map)
            {
                return Problem(value.Line, key, "needs metric: NAME below it; write one");
            }
            var before = problems.Count;
            foreach (var entry in map.Entries.Where(entry => !Known.Contains(entry.Key)))
            {
                Problem(entry.Line, key, $"there is no {Sanitize.Line(entry.Key)} here; there are {string.Join(", ", Known)}");
            }
            var metric = TextAt(map, key, "metric");
            if (metric is null)
            {
                Problem(map.Line, key, "needs a metric; write metric: and a name that begins with " + Prefix);
            }
            else if (!IsMetric(metric))
            {
                Problem(map.Line, key, $"a metric's name begins with {Prefix} and goes on with small letters, digits and _, not as _total or _info; choose another");
            }
            else if (BmwMetrics.Reserved.Contains(metric))
            {
                Problem(map.Line, key, $"{metric} is made of states, and numbers do not belong into it; choose another name");
            }
            var scale = NumberAt(TextAt(map, key, "scale") ?? "1", map.Line, key, "scale");
            var labels = Texts(map, key, "labels");
            foreach (var (label, _, line) in labels.Where(label => !IsLabel(label.Name)))
            {
                Problem(line, key, $"{Sanitize.Line(label)} is no name of a label, or one that is used already; choose another");
            }
            var values = Texts(map, key, "values").ToDictionary(v => v.Name, v => NumberAt(v.Value, v.Line, key, "value"), StringComparer.Ordinal);
            return problems.Count > before ? null : new Mapped(metric!, TextAt(map, key, "help") ?? $"The value of {key}.", scale, values,
                new KeySeries(BmwKeys.Short(key), [.. labels.Select(label => (label.Name, label.Value))]));
        }

        private Mapped? Problem(int line, string key, string sentence)
        {
            problems.Add(new Problem($"{name}:{line}", $"{Sanitize.Line(key)}: {sentence}"));
            return null;
        }

        private string? TextAt(YamlValue.Map map, string key, string member)
        {
            switch (map.Entries.FirstOrDefault(entry => entry.Key == member)?.Value)
            {
                case null:
                    return null;
                case YamlValue.Scalar { Text: { Length: > 0 } text }:
                    return text;
                case var other:
                    Problem(other.Line, key, $"{member} needs one value; write it behind the colon");
                    return null;
            }
        }

        private List<Text> Texts(YamlValue.Map map, string key, string member)
        {
            switch (map.Entries.FirstOrDefault(entry => entry.Key == member)?.Value)
            {
                case null:
                    return [];
                case YamlValue.Map inner:
                    return [.. inner.Entries.Select(entry => new Text(entry.Key, TextAt(inner, key, entry.Key) ?? "", entry.Line))];
                case var other:
                    Problem(other.Line, key, $"{member} needs lines with NAME: VALUE below it; write them");
                    return [];
            }
        }

        private sealed record Text(string Name, string Value, int Line);

        private double NumberAt(string text, int line, string key, string what)
        {
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
            {
                return number;
            }
            Problem(line, key, $"the {what} is no number; write one as 0.001");
            return 0;
        }

        private static bool IsMetric(string metric) =>
            metric.StartsWith(Prefix, StringComparison.Ordinal) && metric.Length > Prefix.Length && metric.All(IsLower)
            && !metric.EndsWith("_total", StringComparison.Ordinal) && !metric.EndsWith("_info", StringComparison.Ordinal);

        private static bool IsLabel(string label) =>
            label.Length > 0 && !char.IsAsciiDigit(label[0]) && label.All(IsLower) && label is not ("vin" or "account" or "le") && !label.StartsWith("__", StringComparison.Ordinal);

        private static bool IsLower(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_';
    }
}
