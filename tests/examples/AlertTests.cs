using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>The alert rules that are shipped, in a real Prometheus that scrapes the real program: what holds of one that is well, and of one that is not.</summary>
[Trait("Suite", "slow")]
public sealed partial class AlertTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_series_that_a_rule_asks_for_is_there_and_none_holds_of_a_program_that_is_well()
    {
        await using var bench = await ExampleAccounts.StartAsync(Cancellation);
        var rules = await bench.Prometheus.RulesAsync(Cancellation);
        var selectors = rules.SelectMany(rule => Selector().Matches(rule.Expression)).Select(match => match.Value).ToHashSet();
        // It begins with the first failure.
        Assert.True(selectors.Remove("webex_data_source_token_extension_failures_total"));

        await bench.Prometheus.AllGiveDataAsync(selectors, Cancellation);

        // Of the two data sources there, one is disabled and the other is signed for two minutes.
        string[] expected = ["WebexDataSourceDisabled", "WebexDataSourceEnding"];
        foreach (var (name, expression) in rules)
        {
            // No alert holds at its first moment: a scrape that took too long is none yet.
            await bench.Prometheus.CountsAsync(expression, count => count > 0 == expected.Contains(name), Cancellation);
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{rules.Count} alerts, {selectors.Count} selectors");
    }

    [Fact]
    public async Task What_is_wrong_with_a_real_program_makes_its_alerts_hold()
    {
        using var directory = new TemporaryDirectory();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Time = new Fast(),
            Providers = [new WebexProviderOptions { ServiceAppLifetimes = new TokenLifetimes(Access: TimeSpan.FromDays(1), Refresh: TimeSpan.FromDays(2), Code: TimeSpan.FromMinutes(1)) }],
        }, Cancellation);
        await using var exporter = await RunningExporter.StartAsync(["--config", Configure(directory, sandbox), "-a", "127.0.0.1:0"], Cancellation);
        await using var prometheus = await PrometheusPeer.StartAsync(directory, exporter.Http.BaseAddress!.Authority, Cancellation);
        var rules = (await prometheus.RulesAsync(Cancellation)).ToDictionary(rule => rule.Name, rule => rule.Expression);
        await prometheus.ValuesAsync("exporter_up{account=\"fine\"} == 1", Cancellation);

        sandbox.Netatmo.StationsData.Fail(new Fault.TooManyRequests());
        await prometheus.AllGiveDataAsync(
        [
            Of("lost", "ExporterLoginRequired"), Of("refused", "ExporterTokenRefused"), Of("password", "ExporterTokenRefused"), Of("fine", "ExporterTokenNotRenewed"), Of("last", "ExporterRefreshTokenEnding"),
            Of("car", "ExporterClockOffset"), Of("fine", "ExporterReadingFails"), Of("fine", "ExporterRateLimited"), Of("car", "BmwStreamDisconnected"), Of("car", "BmwQuotaUsed"), Of("last", "WebexLastLevel"),
            Of("none", "WebexNoLevelLeft"),
        ], Cancellation);

        await exporter.KillAsync(Cancellation);
        await prometheus.AllGiveDataAsync([rules["ExporterDown"]], Cancellation);

        string Of(string account, string alert) => $"({rules[alert]}) and on (account) exporter_login_required{{account=\"{account}\"}}";
    }

    private static string Configure(TemporaryDirectory directory, SandboxServer sandbox)
    {
        var fine = directory.Write("fine.json", $$"""{"access_token": "{{sandbox.Netatmo.Login().AccessToken}}", "expiry": "{{TimeProvider.System.GetUtcNow().AddHours(2):O}}"}""");
        var refused = directory.Write("refused.json", $$"""{"refresh_token": "{{sandbox.Netatmo.Login().RefreshToken}}"}""");
        var lost = directory.Write("lost.json", """{"refresh_token": "was revoked"}""");
        var car = directory.Write("car.json", $$"""{"refresh_token": "{{sandbox.Bmw.Login().RefreshToken}}", "client_id": "{{sandbox.Bmw.ClientId}}"}""");
        var last = directory.Write("last.env", $"WEBEX_SERVICE_APP_REFRESH_TOKEN={sandbox.Webex.LoginServiceApp().RefreshToken}\n");
        var none = directory.Write("none.env", "WEBEX_SERVICE_APP_REFRESH_TOKEN=was revoked\n");
        return directory.Write("exporter.yml", $"""
            state_folder: state
            accounts:
              {Netatmo("fine", fine, sandbox.Netatmo.ClientId)}
              {Netatmo("refused", refused, "unknown")}
              {Netatmo("lost", lost, sandbox.Netatmo.ClientId)}
              car: {"{"}source: bmw-cardata, client_id: {sandbox.Bmw.ClientId}, token_file: {car}, auth_url: "{sandbox.Address}", api_url: "{sandbox.Address}", mqtt_host: 127.0.0.1, mqtt_port: 1, rest: true, rest_daily_calls: 1{"}"}
              {Webex("last", last)}
              {Webex("none", none)}
              password: {"{"}source: ergani, username: {sandbox.Ergani.Username}, password: wrong, token_folder: ergani, api_url: "{ErganiProvider.AddressAt(sandbox.Address)}"{"}"}

            """);

        string Netatmo(string name, string file, string client) =>
            $$"""{{name}}: {source: netatmo, client_id: {{client}}, client_secret: {{sandbox.Netatmo.ClientSecret}}, token_file: {{file}}, api_url: "{{sandbox.Address}}", refresh_interval: 10s}""";

        string Webex(string name, string file) =>
            $$"""{{name}}: {source: webex, app_id: {{sandbox.Webex.AppId}}, client_id: {{sandbox.Webex.ClientId}}, client_secret: {{sandbox.Webex.ClientSecret}}, target_org_id: "{{sandbox.Webex.OrgId}}", config_file: {{name}}-config.json, token_file: {{file}}, api_url: "{{sandbox.Address}}"}""";
    }

    /// <summary>A metric with its matchers.</summary>
    [GeneratedRegex(@"\b(up|(exporter|netatmo|bmw|webex|ergani|process|scrape)_[a-z0-9_]+)\b(\{[^}]*\})?")]
    private static partial Regex Selector();

    /// <summary>The providers' clock, five minutes before ours.</summary>
    private sealed class Fast : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddMinutes(5);
    }
}
