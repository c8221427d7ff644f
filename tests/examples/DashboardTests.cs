using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>
/// The shipped dashboards. Every expression must return data from a Prometheus that scrapes the program. No Grafana loads the dashboards: neither
/// Debian nor npm has it. Instead, <see cref="Dashboard"/> replaces the variables, and <see cref="ComposeTests"/> checks the provisioning.
/// </summary>
[Trait("Suite", "slow")]
public sealed partial class DashboardTests
{
    private static IEnumerable<string> Readmes =>
        Slices.Directories.Select(directory => Path.Combine(directory, "README.md")).Prepend(Path.Combine(Slices.Repository, "docs/metrics.md"));

    public static TheoryData<string> Names => [.. Dashboard.Names];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_expression_returns_data_for_all_accounts_and_for_one()
    {
        await using var bench = await ExampleAccounts.StartAsync(Cancellation);
        var expressions = new HashSet<string>();
        foreach (var dashboard in Dashboard.Names.Select(name => new Dashboard(name)))
        {
            expressions.UnionWith(await ExpressionsAsync(bench.Prometheus, dashboard));
        }

        await bench.Prometheus.AllGiveDataAsync(expressions, Cancellation);
        TestContext.Current.TestOutputHelper!.WriteLine($"{expressions.Count} expressions");
    }

    [Fact]
    public async Task One_account_by_flags_has_no_account_label_and_is_shown_too()
    {
        using var directory = new TemporaryDirectory();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        var issued = sandbox.Netatmo.Login("read_station", "read_homecoach");
        var token = directory.Write("token.json", $$"""{"refresh_token": "{{issued.RefreshToken}}"}""");
        await using var exporter = await RunningExporter.StartAsync(sandbox, token, Cancellation, "--home-coaches");
        await ExampleAccounts.ReadAsync(exporter, accounts: 1, Cancellation);
        await using var prometheus = await PrometheusPeer.StartAsync(directory, exporter.Http.BaseAddress!.Authority, Cancellation);
        await prometheus.ValuesAsync("netatmo_sensor_info", Cancellation);

        var dashboard = new Dashboard("netatmo");
        var account = dashboard.Variables.Single(variable => variable.Name == "account");
        Assert.Empty(await account.ValuesAsync(prometheus, new Dictionary<string, string>(), Cancellation));
        var all = new Dictionary<string, string> { ["account"] = account.All([]), ["station"] = ".*" };

        var expressions = dashboard.Panels.SelectMany(panel => panel.Expressions).Select(expression => Dashboard.Interpolate(expression, all));
        await prometheus.AllGiveDataAsync(expressions, Cancellation);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_schema_panels_and_units_are_complete(string name)
    {
        var dashboard = new Dashboard(name);

        Assert.Equal($"exporter-{name}", dashboard.Root.GetProperty("uid").GetString());
        Assert.Equal(41, dashboard.Root.GetProperty("schemaVersion").GetInt32());
        Assert.DoesNotContain(dashboard.Panels.CountBy(panel => panel.Json.GetProperty("id").GetInt32()), id => id.Value > 1);
        Assert.All(dashboard.Panels, panel =>
        {
            Assert.NotEmpty(panel.Title);
            if (panel.Type != "row")
            {
                Assert.NotEmpty(panel.Json.GetProperty("description").GetString()!);
                Assert.NotEmpty(panel.Expressions);
                Assert.True(HasUnit(panel), $"{panel.Title}: neither unit nor mappings");
            }
        });
        Assert.DoesNotContain(dashboard.Panels.CountBy(panel => panel.Title), title => title.Value > 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void It_uses_all_its_variables_and_only_the_chosen_data_source(string name)
    {
        var dashboard = new Dashboard(name);
        var variables = dashboard.Variables.Select(variable => variable.Name).Append("datasource");

        var used = dashboard.Used.Where(name => !name.StartsWith("__", StringComparison.Ordinal));
        Assert.Equal(variables.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        Assert.Contains("account", variables);
        Assert.All(SourceUid().Matches(dashboard.Text), uid => Assert.Equal("${datasource}", uid.Groups[1].Value));
        Assert.All(
            dashboard.Panels.SelectMany(panel => panel.Expressions),
            expression => Assert.Matches(@"\$(account|instance)|^exporter_build_info", expression));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_panels_do_not_overlap(string name)
    {
        var occupied = new HashSet<(int, int)>();
        foreach (var panel in new Dashboard(name).Panels)
        {
            var position = panel.Json.GetProperty("gridPos");
            var (x, y, w, h) = (Of("x"), Of("y"), Of("w"), Of("h"));
            Assert.True(x + w <= 24, panel.Title);
            var cells = from column in Enumerable.Range(x, w) from line in Enumerable.Range(y, h) select (column, line);
            Assert.All(cells, cell => Assert.True(occupied.Add(cell), panel.Title));

            int Of(string member) => position.GetProperty(member).GetInt32();
        }
    }

    [Fact]
    public void Every_metric_of_a_dashboard_or_alert_is_documented()
    {
        var documented = Readmes.SelectMany(file => Metric.Matches(File.ReadAllText(file))).Select(match => match.Value).ToHashSet();
        var dashboards = Dashboard.Names.Select(name => new Dashboard(name)).ToList();
        var shown = dashboards.SelectMany(dashboard => dashboard.Panels.SelectMany(panel => panel.Expressions))
            .Concat(dashboards.SelectMany(dashboard => dashboard.Variables.Select(variable => variable.Query)))
            .SelectMany(expression => Metric.Matches(expression)).Select(match => Suffix().Replace(match.Value, ""));
        var rules = File.ReadAllText(Path.Combine(Golden.Root, "../examples/prometheus/exporter-rules.yml"));

        Assert.Empty(Metric.Matches(rules).Select(match => match.Value).Where(IsExporterMetric).Except(documented));
        Assert.Empty(shown.Where(IsExporterMetric).Except(documented));
    }

    /// <summary>Every expression: once with All in each variable, and once with one account and all other values selected.</summary>
    private static async Task<IEnumerable<string>> ExpressionsAsync(PrometheusPeer prometheus, Dashboard dashboard)
    {
        var (all, one) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        foreach (var variable in dashboard.Variables)
        {
            var values = await variable.ValuesAsync(prometheus, all, Cancellation);
            Assert.True(values.Count > 0, $"{variable.Query} has no values");
            all[variable.Name] = variable.All(values);
            one[variable.Name] = Variable.Matcher(variable.Name == "account" ? [values[0]] : values);
        }
        var expressions = dashboard.Panels.SelectMany(panel => panel.Expressions).ToList();
        return new[] { all, one }.SelectMany(chosen => expressions.Select(expression => Dashboard.Interpolate(expression, chosen)));
    }

    /// <summary>Prometheus adds <c>scrape_</c> metrics.</summary>
    private static bool IsExporterMetric(string metric) => !metric.StartsWith("scrape_", StringComparison.Ordinal);

    private static bool HasUnit(Panel panel)
    {
        var field = panel.Json.GetProperty("fieldConfig");
        var defaults = field.GetProperty("defaults");
        return defaults.TryGetProperty("unit", out _) || defaults.TryGetProperty("mappings", out _)
            || (panel.Type == "table" && field.GetProperty("overrides").GetArrayLength() > 0);
    }

    [GeneratedRegex("""
        "uid": "([^"]+)"\}
        """)]
    private static partial Regex SourceUid();

    private static Regex Metric { get; } = new($@"\b({string.Join('|', Slices.Prefixes)}|exporter|process|scrape)_[a-z0-9_]+\b");

    [GeneratedRegex(@"_bucket$")]
    private static partial Regex Suffix();
}
