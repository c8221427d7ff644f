namespace Exporter.Tests.Support;

/// <summary>
/// Generates dashboards, alert rules, runbooks and example accounts from the files of each source
/// (<c>internal/sources/*/monitoring</c> and <c>account.yml</c>) and the general files in <c>internal/accounts/monitoring</c>.
/// </summary>
internal static class GeneratedExamples
{
    public const string Dashboards = "examples/grafana";

    private const string FailuresMark = "<!-- Put together from internal/sources/*/monitoring/failures.md: -->\n";

    private const string AccountsMark = "#accounts:\n";

    /// <summary>The files by their paths in the repository.</summary>
    public static IReadOnlyDictionary<string, string> Of(string repository) => new Dictionary<string, string>(
        Monitoring(repository, "*.json").Select(file => KeyValuePair.Create($"{Dashboards}/{Path.GetFileName(file)}", File.ReadAllText(file))))
    {
        ["examples/prometheus/exporter-rules.yml"] = $"""
            # Alert rules for every account that the exporter keeps, whatever its source. The scrape job is called exporter.
            # Put together from internal/accounts/monitoring/rules.yml and internal/sources/*/monitoring/rules.yml.
            groups:

            """ + Joined(repository, "rules.yml", "groups:\n"),
        ["examples/prometheus/exporter-rules.test.yml"] = """
            # Put together from internal/accounts/monitoring/rules.test.yml and internal/sources/*/monitoring/rules.test.yml.
            rule_files:
              - exporter-rules.yml

            evaluation_interval: 1m

            tests:

            """ + Joined(repository, "rules.test.yml", "tests:\n"),
        ["docs/runbooks.md"] =
            "<!-- Put together from internal/accounts/monitoring/runbooks.md and internal/sources/*/monitoring/runbooks.md. -->\n\n"
            + Joined(repository, "runbooks.md", ""),
        ["examples/prometheus/README.md"] = After(
            repository, "examples/prometheus/README.md", FailuresMark,
            "\n| failure | alert, or why there is none |\n| --- | --- |\n"
            + string.Concat(Monitoring(repository, "failures.md").Select(File.ReadAllText))),
        ["examples/systemd/exporter.yml"] = After(
            repository, "examples/systemd/exporter.yml", AccountsMark,
            string.Concat(Accounts(repository).SelectMany(File.ReadLines).Select(line => $"#  {line}\n"))),
    };

    /// <summary>The general files that match a pattern, and those of the sources.</summary>
    private static IEnumerable<string> Monitoring(string repository, string pattern) => Slices.DirectoriesOf(repository)
        .Prepend(Path.Combine(repository, "internal/accounts")).Select(directory => Path.Combine(directory, "monitoring")).Where(Directory.Exists)
        .SelectMany(directory => Directory.GetFiles(directory, pattern));

    private static IEnumerable<string> Accounts(string repository) =>
        Slices.DirectoriesOf(repository).Select(directory => Path.Combine(directory, "account.yml")).Where(File.Exists);

    /// <summary>The concatenated files, each from its mark.</summary>
    private static string Joined(string repository, string name, string mark) => string.Join('\n', Monitoring(repository, name).Select(file =>
    {
        var text = File.ReadAllText(file);
        return text[(text.IndexOf(mark, StringComparison.Ordinal) + mark.Length)..];
    }));

    /// <summary>The file up to the mark, followed by the text.</summary>
    private static string After(string repository, string file, string mark, string text)
    {
        var parts = File.ReadAllText(Path.Combine(repository, file)).Split(mark);
        return parts.Length == 2
            ? parts[0] + mark + text
            : throw new InvalidDataException($"{file} has the line {mark.Trim()} not once but {parts.Length - 1} times.");
    }
}
