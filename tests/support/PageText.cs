using System.Globalization;
using System.Text.RegularExpressions;

namespace Exporter.Tests.Support;

/// <summary>
/// Reads a page in text format 0.0.4 and writes it in one canonical form: labels ordered by name, numbers in their shortest form, lines
/// sorted. Two pages with the same series, values, help texts and types have the same canonical form.
/// </summary>
internal static partial class PageText
{
    /// <exception cref="FormatException">A family or a series is repeated, a sample is outside its family, or a line is malformed.</exception>
    public static string Canonical(string page)
    {
        var lines = new SortedSet<string>(StringComparer.Ordinal);
        var (help, type) = ("", "");
        foreach (var line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Header().Match(line) is { Success: true } header)
            {
                var name = header.Groups["name"].Value;
                (help, type) = header.Groups["keyword"].Value is "HELP" ? (name, "") : (help, name);
                Add(line.TrimEnd());
                continue;
            }
            var sample = SampleLine().Match(line);
            Require(sample.Success, line);
            var family = Suffix().Replace(sample.Groups["name"].Value, "");
            Require(help == type && (help == family || help == sample.Groups["name"].Value), $"{line} is in the family {help}");
            var labels = Label().Matches(sample.Groups["labels"].Value).Select(label => label.Value).Order(StringComparer.Ordinal);
            var series = $"{sample.Groups["name"].Value}{{{string.Join(',', labels)}}} ";
            Require(lines.GetViewBetween(series, series + char.MaxValue).Count == 0, $"{series}is there twice");
            Add(series + Number(sample.Groups["value"].Value));
        }
        return string.Join('\n', lines) + "\n";

        void Add(string line) => Require(lines.Add(line), $"{line} is there twice");
    }

    private static string Number(string text) => text switch
    {
        "+Inf" or "-Inf" or "NaN" => text,
        _ => double.Parse(text, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
    };

    private static void Require(bool condition, string broken)
    {
        if (!condition)
        {
            throw new FormatException(broken);
        }
    }

    [GeneratedRegex("""^# (?<keyword>HELP|TYPE) (?<name>\w+) """)]
    private static partial Regex Header();

    [GeneratedRegex("""^(?<name>\w+)(\{(?<labels>.*)\})? (?<value>\S+)$""")]
    private static partial Regex SampleLine();

    [GeneratedRegex("\\w+=\"(\\\\.|[^\"\\\\])*\"")]
    private static partial Regex Label();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
