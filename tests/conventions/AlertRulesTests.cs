using System.Text;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The alert rules that are shipped, tried by promtool: each fires when it should and is silent when it should.</summary>
[Trait("Suite", "slow")]
public sealed partial class AlertRulesTests
{
    private static readonly string DirectoryPath = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/prometheus"));

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "exporter-rules.yml")]
    [InlineData("test", "rules", "exporter-rules.test.yml")]
    public async Task Promtool_accepts_what_is_shipped(string verb, string kind, string file)
    {
        var (exit, output, error) = await Peer.Run("promtool", [verb, kind, Path.Combine(DirectoryPath, file)], default, TestContext.Current.CancellationToken);

        Assert.True(exit == 0, Encoding.UTF8.GetString(output) + error);
    }

    [Fact]
    public void Every_rule_has_a_test_of_when_it_fires_and_one_of_when_all_is_well()
    {
        var tests = File.ReadAllText(Path.Combine(DirectoryPath, "exporter-rules.test.yml"));
        var well = string.Concat(tests.Split("\n  - name: ").Where(test => test.StartsWith("All is well", StringComparison.Ordinal)));

        Assert.NotEmpty(Alerts);
        Assert.DoesNotContain(Alerts, alert => !tests.Contains($"alertname: {alert.Name}\n        exp_alerts:\n          - exp_labels", StringComparison.Ordinal));
        Assert.DoesNotContain(Alerts, alert => !well.Contains($"alertname: {alert.Name}, exp_alerts: []", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_rule_waits_has_a_severity_and_says_what_it_means()
    {
        Assert.All(Alerts, alert =>
        {
            Assert.Matches(@"\n        for: \d+[mh]\n        labels: \{severity: (critical|warning|info)\}\n", alert.Text);
            Assert.Matches(@"\n          summary: \S.*\n          description: \S.*\n", alert.Text);
            Assert.EndsWith($"\n          runbook_url: docs/runbooks.md#{alert.Name.ToLowerInvariant()}", alert.Text.TrimEnd(), StringComparison.Ordinal);
        });
        Assert.DoesNotContain(Alerts.CountBy(alert => alert.Name), name => name.Value > 1);
    }

    [Fact]
    public void Every_rule_has_a_runbook_and_every_runbook_a_rule()
    {
        var runbooks = File.ReadAllText(Path.Combine(Golden.Root, "../docs/runbooks.md"));

        Assert.Equal(Alerts.Select(alert => alert.Name).Order(StringComparer.Ordinal), Section().Matches(runbooks).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.All(Link().Matches(runbooks), link => Assert.Equal(link.Groups[1].Value.ToLowerInvariant(), link.Groups[2].Value));
        Assert.Empty(Link().Matches(runbooks).Select(link => link.Groups[1].Value).Except(Alerts.Select(alert => alert.Name)));
    }

    [Fact]
    public void Every_known_failure_has_an_alert_or_a_reason_why_there_is_none()
    {
        var rows = Row().Matches(File.ReadAllText(Path.Combine(Golden.Root, "tokens/README.md"))).Select(match => match.Value);
        var table = File.ReadAllText(Path.Combine(DirectoryPath, "README.md"));
        var named = Name.Matches(table).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.Equal(rows, Row().Matches(table).Select(match => match.Value));
        Assert.Equal(Alerts.Select(alert => alert.Name).Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
        Assert.All(Cell().Matches(table), cell => Assert.Matches($"`({Prefixes})[A-Z]|^None", cell.Groups[1].Value));
    }

    private static string Prefixes => string.Join('|', Slices.Prefixes.Select(prefix => char.ToUpperInvariant(prefix[0]) + prefix[1..]).Prepend("Exporter"));

    private static Regex Name { get; } = new($"`((?:{Prefixes})[A-Z]\\w+)`");

    /// <summary>Each rule with its lines.</summary>
    private static IReadOnlyList<(string Name, string Text)> Alerts { get; } =
        [.. File.ReadAllText(Path.Combine(DirectoryPath, "exporter-rules.yml")).Split("      - alert: ").Skip(1).Select(text => (text[..text.IndexOf('\n', StringComparison.Ordinal)], text.Split("\n  - name: ")[0]))];

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
