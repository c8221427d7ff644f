using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Exporter.Tests.Metrics;

/// <summary>A family as read from a page: the type and unit it declares, and its samples in order.</summary>
internal sealed record ReadFamily(string Name, string Type, string? Unit, string? Help, List<ReadSample> Samples);

internal sealed record ReadSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    public string Series => Name + "{" + string.Join(',', Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value.Length}:{label.Value}")) + "}";
}

/// <summary>
/// Reads OpenMetrics 1.0 as strictly as the specification is written: the ABNF, the order of the metadata, which sample names a type
/// may have, no family or series twice, no interleaving, and the end. What it refuses ends in a <see cref="FormatException"/>.
/// </summary>
internal sealed class OpenMetricsReader
{
    private static readonly Dictionary<string, string[]> Suffixes = new()
    {
        ["gauge"] = [""],
        ["counter"] = ["_total", "_created"],
        ["info"] = ["_info"],
        ["unknown"] = [""],
        ["stateset"] = [""],
        ["histogram"] = ["_bucket", "_sum", "_count", "_created"],
    };

    private readonly List<ReadFamily> families = [];
    private readonly HashSet<string> series = [];
    private string? type;
    private string? unit;
    private string? help;
    private string? name;
    private ReadFamily? current;

    public static IReadOnlyList<ReadFamily> Read(string page)
    {
        Require(page.EndsWith("# EOF\n", StringComparison.Ordinal), "the page ends in # EOF and a line feed");
        Require(!page.Contains('\r'), "lines end in LF alone");
        var reader = new OpenMetricsReader();
        var lines = page[..^"# EOF\n".Length].Split('\n');
        Require(lines[^1].Length == 0, "the line before # EOF is whole");
        foreach (var line in lines[..^1])
        {
            reader.Line(line);
        }
        reader.CloseFamily();
        Require(reader.name is null, "metadata is followed by samples");
        return reader.families;
    }

    private void Line(string line)
    {
        Require(line.Length > 0, "there are no empty lines");
        Require(line != "# EOF", "nothing follows # EOF");
        if (line[0] == '#')
        {
            Metadata(line.Split(' ', 4));
        }
        else
        {
            Sample(line);
        }
    }

    private void Metadata(string[] words)
    {
        Require(words is ["#", "TYPE" or "UNIT" or "HELP", _, _], "there are no comments but TYPE, UNIT and HELP");
        if (words[2] != name)
        {
            CloseFamily();
            Require(name is null, "metadata is followed by samples");
            RequireName(words[2], colon: true);
            name = words[2];
        }
        Require(current is null, "metadata stands before the family's samples");
        switch (words[1])
        {
            case "TYPE":
                Require(type is null && unit is null && help is null, "TYPE is first, and once");
                Require(Suffixes.ContainsKey(words[3]), "the type is known");
                type = words[3];
                break;
            case "UNIT":
                Require(type is not null && unit is null && help is null, "UNIT follows TYPE, once");
                Require(name!.EndsWith("_" + words[3], StringComparison.Ordinal), "a unit is the suffix of its family's name");
                Require(type is not ("info" or "stateset"), "an info or stateset has no unit");
                unit = words[3];
                break;
            default:
                Require(help is null, "HELP stands once");
                help = Unescape(words[3], 0, out var end);
                Require(end == words[3].Length, "a help text has no bare quotation mark");
                break;
        }
    }

    private void Sample(string line)
    {
        var end = line.AsSpan().IndexOfAny('{', ' ');
        Require(end > 0, "a sample has a name and a value");
        var sampleName = line[..end];
        RequireName(sampleName, colon: true);
        if (current is null)
        {
            Require(name is not null && type is not null, "a sample's family is declared");
            current = new ReadFamily(name, type, unit, help, []);
        }
        Require(Suffixes[current.Type].Any(suffix => sampleName == current.Name + suffix), $"{sampleName} is a sample of the {current.Type} {current.Name}");

        var labels = new Dictionary<string, string>();
        if (line[end] == '{')
        {
            end = Labels(line, end + 1, labels);
        }
        Require(line[end] == ' ', "one space stands before the value");
        var sample = new ReadSample(sampleName, labels, Number(line[(end + 1)..]));
        Require(series.Add(sample.Series), $"{sample.Series} stands once");
        Require(current.Type != "counter" || sample.Value >= 0, "a counter is a number and not negative");
        Require(current.Type != "info" || sample.Value == 1, "an info is 1");
        current.Samples.Add(sample);
    }

    private static int Labels(string line, int at, Dictionary<string, string> labels)
    {
        while (line[at] != '}')
        {
            var equals = line.IndexOf('=', at);
            Require(equals > 0 && line[equals + 1] == '"', "a label is name=\"value\"");
            RequireName(line[at..equals], colon: false);
            var value = Unescape(line, equals + 2, out var quote);
            Require(quote < line.Length, "a label's value is closed");
            Require(labels.TryAdd(line[at..equals], value), "a label stands once");
            at = quote + 1;
            Require(line[at] == '}' || (line[at] == ',' && line[at + 1] != '}'), "labels are separated by one comma");
            at += line[at] == ',' ? 1 : 0;
        }
        return at + 1;
    }

    // Up to the closing quotation mark or the end of the text.
    private static string Unescape(string text, int at, out int end)
    {
        var value = new StringBuilder();
        for (; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] != '\\')
            {
                value.Append(text[at]);
                continue;
            }
            at++;
            Require(at < text.Length && text[at] is 'n' or '"' or '\\', "only \\n, \\\" and \\\\ are escapes");
            value.Append(text[at] == 'n' ? '\n' : text[at]);
        }
        end = at;
        return value.ToString();
    }

    private static double Number(string text)
    {
        Require(text.Length > 0 && !text.Contains(' '), "there are no timestamps or exemplars");
        return text switch
        {
            "NaN" => double.NaN,
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ when text.All(c => char.IsAsciiDigit(c) || c is '.' or '-' or '+' or 'e' or 'E') => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
            _ => throw new FormatException($"\"{text}\" is no number."),
        };
    }

    private void CloseFamily()
    {
        if (current is null)
        {
            return;
        }
        Require(families.All(family => family.Name != current.Name), $"{current.Name} stands once");
        if (current.Type == "histogram")
        {
            foreach (var histogram in current.Samples.GroupBy(sample => string.Join(',', sample.Labels.Where(label => label.Key != "le").OrderBy(label => label.Key, StringComparer.Ordinal))))
            {
                Histogram(current.Name, [.. histogram]);
            }
        }
        families.Add(current);
        (name, type, unit, help, current) = (null, null, null, null, null);
    }

    private static void Histogram(string family, List<ReadSample> samples)
    {
        var buckets = samples.TakeWhile(sample => sample.Name == family + "_bucket").ToList();
        Require(buckets.Count > 0 && buckets[^1].Labels["le"] == "+Inf", "a histogram's last bucket is +Inf");
        Require(buckets.All(bucket => bucket.Labels["le"] is "+Inf" || bucket.Labels["le"].AsSpan().ContainsAny('.', 'E')), "bounds are canonical");
        var bounds = buckets.ConvertAll(bucket => Number(bucket.Labels["le"]));
        Require(bounds.Zip(bounds.Skip(1)).All(pair => pair.First < pair.Second), "bounds ascend");
        Require(buckets.Zip(buckets.Skip(1)).All(pair => pair.First.Value <= pair.Second.Value), "buckets accumulate");
        var rest = samples.Skip(buckets.Count).ToList();
        Require(rest.Count == 2 && rest[0].Name == family + "_sum" && rest[1].Name == family + "_count", "sum and count follow, of every metric without interleaving");
        Require(rest[1].Value == buckets[^1].Value, "the count is that of the last bucket");
    }

    private static void RequireName(string text, bool colon) =>
        Require(text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_' || (colon && c == ':')), $"\"{text}\" is a name");

    private static void Require([DoesNotReturnIf(false)] bool condition, string rule)
    {
        if (!condition)
        {
            throw new FormatException($"Broken: {rule}.");
        }
    }
}
