using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The alert rules that are shipped, tried by promtool: each fires when it should and is silent when it should.</summary>
public sealed class AlertRulesTests
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/prometheus"));

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "exporter-rules.yml")]
    [InlineData("test", "rules", "exporter-rules.test.yml")]
    public async Task Promtool_accepts_what_is_shipped(string verb, string kind, string file)
    {
        var (exit, output, error) = await Peer.Run("promtool", [verb, kind, Path.Combine(Folder, file)], default, TestContext.Current.CancellationToken);

        Assert.True(exit == 0, Encoding.UTF8.GetString(output) + error);
    }

    [Fact]
    public void Every_rule_has_a_test()
    {
        var tests = File.ReadAllText(Path.Combine(Folder, "exporter-rules.test.yml"));
        var alerts = File.ReadLines(Path.Combine(Folder, "exporter-rules.yml")).Select(line => line.Trim()).Where(line => line.StartsWith("- alert: ", StringComparison.Ordinal)).Select(line => line["- alert: ".Length..]);

        Assert.DoesNotContain(alerts, alert => !tests.Contains($"alertname: {alert}\n        exp_alerts:\n          - exp_labels", StringComparison.Ordinal));
    }
}
