using System.Text.RegularExpressions;

namespace Exporter.Tests.Support;

/// <summary>
/// Generates dashboards, alert rules, runbooks and example accounts from the files of each source
/// (<c>internal/sources/*/monitoring</c> and <c>account.yml</c>) and the general files in <c>internal/accounts/monitoring</c>.
/// </summary>
internal static partial class GeneratedExamples
{
    public const string Dashboards = "examples/grafana";

    private const string FailuresMark = "<!-- Put together from internal/sources/*/monitoring/failures.md: -->\n";

    private const string AccountsMark = "#accounts:\n";

    /// <summary>The files by their paths in the repository.</summary>
    public static IReadOnlyDictionary<string, string> Of(string repository) => new Dictionary<string, string>(
        Monitoring(repository, "*.json").Select(file => KeyValuePair.Create($"{Dashboards}/{Path.GetFileName(file)}", File.ReadAllText(file))))
    {
        [$"{Dashboards}/kustomization.yml"] = """
            # The dashboards as ConfigMaps, for the sidecar of Grafana's Helm chart: kubectl apply -k examples/grafana
            # Put together from the names of the dashboards.
            generatorOptions:
              disableNameSuffixHash: true
              labels:
                grafana_dashboard: "1"

            configMapGenerator:

            """ + string.Concat(Monitoring(repository, "*.json").Select(file => Path.GetFileName(file)).Select(file => $"""
              - name: oauth-exporter-dashboard-{Path.GetFileNameWithoutExtension(file)}
                files: [{file}]

            """)),
        ["examples/prometheus/exporter-rules.yml"] = $"""
            # Alert rules for every account that the exporter keeps, whatever its source. The scrape job is called exporter.
            # Put together from internal/accounts/monitoring/rules.yml and internal/sources/*/monitoring/rules.yml.
            groups:

            """ + Joined(repository, "rules.yml", "groups:\n"),
        ["examples/kubernetes/monitoring/prometheusrule.yml"] = $"""
            # The alert rules of examples/prometheus/exporter-rules.yml, for the Prometheus Operator.
            # Put together from internal/accounts/monitoring/rules.yml and internal/sources/*/monitoring/rules.yml.
            apiVersion: monitoring.coreos.com/v1
            kind: PrometheusRule
            metadata:
              name: oauth-exporter
              labels:
                app.kubernetes.io/name: oauth-exporter
            spec:
              groups:

            """ + LineStart().Replace(Joined(repository, "rules.yml", "groups:\n"), "  "),
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
        ["examples/systemd/exporter.yml"] = WithAccounts(repository, "examples/systemd/exporter.yml", File.ReadAllText),
        ["examples/compose/config/exporter.example.yml"] =
            WithAccounts(repository, "examples/compose/config/exporter.example.yml", File.ReadAllText),
        ["examples/kubernetes/exporter.yml"] = WithAccounts(repository, "examples/kubernetes/exporter.yml", WithSecretFiles),
    };

    /// <summary>The general files that match a pattern, and those of the sources.</summary>
    private static IEnumerable<string> Monitoring(string repository, string pattern) => Slices.DirectoriesOf(repository)
        .Prepend(Path.Combine(repository, "internal/accounts")).Select(directory => Path.Combine(directory, "monitoring")).Where(Directory.Exists)
        .SelectMany(directory => Directory.GetFiles(directory, pattern));

    /// <summary>The file up to its accounts, followed by the example account of each source as a comment.</summary>
    private static string WithAccounts(string repository, string file, Func<string, string> read) => After(repository, file, AccountsMark,
        LineStart().Replace(string.Concat(
            Slices.DirectoriesOf(repository).Select(directory => Path.Combine(directory, "account.yml")).Where(File.Exists).Select(read)), "#  "));

    /// <summary>The account with each secret in a file of its own, such as <c>home-secret.txt</c>.</summary>
    private static string WithSecretFiles(string accountFile)
    {
        var text = File.ReadAllText(accountFile);
        return Secret().Replace(text, $"$1$2_file: {text[..text.IndexOf(':', StringComparison.Ordinal)]}-$3.txt");
    }

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

    /// <summary>The start of each line that has text.</summary>
    [GeneratedRegex("^(?=.)", RegexOptions.Multiline)]
    private static partial Regex LineStart();

    [GeneratedRegex(@"^(\s+)(\w*(secret|password)): \S+$", RegexOptions.Multiline)]
    private static partial Regex Secret();
}
