using System.Text;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>Runs promtool on the shipped alert rules and checks that every alert is tested and documented.</summary>
[Trait("Suite", "slow")]
public sealed partial class AlertRulesTests
{
    private static readonly string DirectoryPath = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/prometheus"));

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "exporter-rules.yml")]
    [InlineData("test", "rules", "exporter-rules.test.yml")]
    public async Task Promtool_accepts_the_shipped_files(string verb, string kind, string file)
    {
        var (exit, output, error) = await Peer.Run(
            "promtool", [verb, kind, Path.Combine(DirectoryPath, file)], default, TestContext.Current.CancellationToken);

        Assert.True(exit == 0, Encoding.UTF8.GetString(output) + error);
    }

    [Fact]
    public void Every_rule_has_a_test_that_it_fires_and_a_test_that_it_stays_silent()
    {
        var tests = File.ReadAllText(Path.Combine(DirectoryPath, "exporter-rules.test.yml"));
        var well = string.Concat(tests.Split("\n  - name: ").Where(test => test.StartsWith("All is well", StringComparison.Ordinal)));

        Assert.NotEmpty(Alerts);
        Assert.All(Alerts, alert =>
        {
            Assert.Contains($"alertname: {alert.Name}\n        exp_alerts:\n          - exp_labels", tests, StringComparison.Ordinal);
            Assert.Contains($"alertname: {alert.Name}, exp_alerts: []", well, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Every_rule_has_a_delay_a_severity_a_description_and_a_runbook()
    {
        Assert.All(Alerts, alert =>
        {
            Assert.Matches(@"\n        for: \d+[mh]\n        labels: \{severity: (critical|warning|info)\}\n", alert.Text);
            Assert.Matches(@"\n          summary: \S.*\n          description: \S.*\n", alert.Text);
            var runbook = $"\n          runbook_url: docs/runbooks.md#{alert.Name.ToLowerInvariant()}";
            Assert.EndsWith(runbook, alert.Text.TrimEnd(), StringComparison.Ordinal);
        });
        Assert.DoesNotContain(Alerts.CountBy(alert => alert.Name), name => name.Value > 1);
    }

    [Fact]
    public void Every_rule_has_a_runbook_and_every_runbook_has_a_rule()
    {
        var runbooks = File.ReadAllText(Path.Combine(Golden.Root, "../docs/runbooks.md"));

        Assert.Equal(AlertNames, Section().Matches(runbooks).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.All(Link().Matches(runbooks), link => Assert.Equal(link.Groups[1].Value.ToLowerInvariant(), link.Groups[2].Value));
        Assert.Empty(Link().Matches(runbooks).Select(link => link.Groups[1].Value).Except(AlertNames));
    }

    [Fact]
    public void Every_known_failure_has_an_alert_or_a_reason_for_having_none()
    {
        var rows = Row().Matches(File.ReadAllText(Path.Combine(Golden.Root, "tokens/README.md"))).Select(match => match.Value);
        var table = File.ReadAllText(Path.Combine(DirectoryPath, "README.md"));
        var named = Name.Matches(table).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.Equal(rows, Row().Matches(table).Select(match => match.Value));
        Assert.Equal(AlertNames, named.Order(StringComparer.Ordinal));
        Assert.All(Cell().Matches(table), cell => Assert.Matches($"`({Prefixes})[A-Z]|^None", cell.Groups[1].Value));
    }

    private static string Prefixes => string.Join(
        '|', Slices.Prefixes.Select(prefix => char.ToUpperInvariant(prefix[0]) + prefix[1..]).Prepend("Exporter"));

    private static Regex Name { get; } = new($"`((?:{Prefixes})[A-Z]\\w+)`");

    /// <summary>Each rule with its lines.</summary>
    private static IReadOnlyList<(string Name, string Text)> Alerts { get; } =
    [
        .. File.ReadAllText(Path.Combine(DirectoryPath, "exporter-rules.yml")).Split("      - alert: ").Skip(1)
            .Select(text => (text[..text.IndexOf('\n', StringComparison.Ordinal)], text.Split("\n  - name: ")[0])),
    ];

    private static IEnumerable<string> AlertNames => Alerts.Select(alert => alert.Name).Order(StringComparer.Ordinal);

    [GeneratedRegex("^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"\[(\w+)\]\(#(\w+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\| (\d+) \| [^|]+ \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    /// <summary>The last cell of a row.</summary>
    [GeneratedRegex(@"^\|.* \| ([^|]+) \|$(?<!alert, or why there is none \|)(?<!--- \|)", RegexOptions.Multiline)]
    private static partial Regex Cell();
}
