using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>The shipped alert rules in a real Prometheus that scrapes the real program, healthy and with problems.</summary>
[Trait("Suite", "slow")]
public sealed partial class AlertTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_series_of_a_rule_exists_and_no_alert_fires_for_a_healthy_program()
    {
        await using var bench = await ExampleAccounts.StartAsync(Cancellation);
        var rules = await bench.Prometheus.RulesAsync(Cancellation);
        var selectors = rules.SelectMany(rule => Selector().Matches(rule.Expression)).Select(match => match.Value).ToHashSet();
        // This series starts with the first failure.
        Assert.True(selectors.Remove("webex_data_source_token_extension_failures_total"));

        await bench.Prometheus.AllGiveDataAsync(selectors, Cancellation);

        // One of the two data sources is disabled. The token of the other expires in two minutes.
        string[] expected = ["WebexDataSourceDisabled", "WebexDataSourceEnding"];
        foreach (var (name, expression) in rules)
        {
            // Waits, because a slow scrape can start an alert for a moment.
            await bench.Prometheus.CountsAsync(expression, count => count > 0 == expected.Contains(name), Cancellation);
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{rules.Count} alerts, {selectors.Count} selectors");
    }

    [Fact]
    public async Task The_problems_of_a_real_program_fire_their_alerts()
    {
        using var directory = new TemporaryDirectory();
        var lifetimes = new TokenLifetimes(Access: TimeSpan.FromDays(1), Refresh: TimeSpan.FromDays(2), Code: TimeSpan.FromMinutes(1));
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Time = new Fast(),
            Providers = [new WebexProviderOptions { ServiceAppLifetimes = lifetimes }],
        }, Cancellation);
        await using var exporter = await RunningExporter.StartAsync(["--config", Configure(directory, sandbox), "-a", "127.0.0.1:0"], Cancellation);
        await using var prometheus = await PrometheusPeer.StartAsync(directory, exporter.Http.BaseAddress!.Authority, Cancellation);
        var rules = (await prometheus.RulesAsync(Cancellation)).ToDictionary(rule => rule.Name, rule => rule.Expression);
        await prometheus.ValuesAsync("exporter_up{account=\"fine\"} == 1", Cancellation);

        sandbox.Netatmo.StationsData.Fail(new Fault.TooManyRequests());
        await prometheus.AllGiveDataAsync(
        [
            Of("lost", "ExporterLoginRequired"), Of("refused", "ExporterTokenRefused"), Of("password", "ExporterTokenRefused"),
            Of("fine", "ExporterTokenNotRenewed"), Of("last", "ExporterRefreshTokenEnding"), Of("car", "ExporterClockOffset"),
            Of("fine", "ExporterReadingFails"), Of("fine", "ExporterRateLimited"), Of("car", "BmwStreamDisconnected"), Of("car", "BmwQuotaUsed"),
            Of("last", "WebexLastLevel"), Of("none", "WebexNoLevelLeft"),
        ], Cancellation);

        await exporter.KillAsync(Cancellation);
        await prometheus.AllGiveDataAsync([rules["ExporterDown"]], Cancellation);

        string Of(string account, string alert) => $"({rules[alert]}) and on (account) exporter_login_required{{account=\"{account}\"}}";
    }

    private static string Configure(TemporaryDirectory directory, SandboxServer sandbox)
    {
        var expiry = TimeProvider.System.GetUtcNow().AddHours(2);
        var fine = directory.Write("fine.json", $$"""{"access_token": "{{sandbox.Netatmo.Login().AccessToken}}", "expiry": "{{expiry:O}}"}""");
        var refused = directory.Write("refused.json", $$"""{"refresh_token": "{{sandbox.Netatmo.Login().RefreshToken}}"}""");
        var lost = directory.Write("lost.json", """{"refresh_token": "was revoked"}""");
        var car = directory.Write(
            "car.json", $$"""{"refresh_token": "{{sandbox.Bmw.Login().RefreshToken}}", "client_id": "{{sandbox.Bmw.ClientId}}"}""");
        var last = directory.Write("last.env", $"WEBEX_SERVICE_APP_REFRESH_TOKEN={sandbox.Webex.LoginServiceApp().RefreshToken}\n");
        var none = directory.Write("none.env", "WEBEX_SERVICE_APP_REFRESH_TOKEN=was revoked\n");
        return directory.Write("exporter.yml", $"""
            state_folder: state
            accounts:
              {Netatmo("fine", fine, sandbox.Netatmo.ClientId)}
              {Netatmo("refused", refused, "unknown")}
              {Netatmo("lost", lost, sandbox.Netatmo.ClientId)}
              {Webex("last", last)}
              {Webex("none", none)}
              car:
                source: bmw-cardata
                client_id: {sandbox.Bmw.ClientId}
                token_file: {car}
                auth_url: {sandbox.Address}
                api_url: {sandbox.Address}
                mqtt_host: 127.0.0.1
                mqtt_port: 1
                rest: true
                rest_daily_calls: 1
              password:
                source: ergani
                username: {sandbox.Ergani.Username}
                password: wrong
                token_folder: ergani
                api_url: {ErganiProvider.AddressAt(sandbox.Address)}

            """);

        string Netatmo(string name, string file, string client) => $$"""
            {{name}}: {source: netatmo, client_id: {{client}}, client_secret: {{sandbox.Netatmo.ClientSecret}},
                token_file: {{file}}, api_url: "{{sandbox.Address}}", refresh_interval: 10s}
            """;

        string Webex(string name, string file) => $$"""
            {{name}}: {source: webex, app_id: {{sandbox.Webex.AppId}}, target_org_id: "{{sandbox.Webex.OrgId}}",
                client_id: {{sandbox.Webex.ClientId}}, client_secret: {{sandbox.Webex.ClientSecret}},
                config_file: {{name}}-config.json, token_file: {{file}}, api_url: "{{sandbox.Address}}"}
            """;
    }

    /// <summary>A metric with its label matchers.</summary>
    [GeneratedRegex(@"\b(up|(exporter|netatmo|bmw|webex|ergani|process|scrape)_[a-z0-9_]+)\b(\{[^}]*\})?")]
    private static partial Regex Selector();

    /// <summary>The clock of the providers, five minutes fast.</summary>
    private sealed class Fast : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddMinutes(5);
    }
}
