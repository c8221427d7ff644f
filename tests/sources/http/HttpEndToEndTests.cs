using System.Net;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The real program, whose modules were written from the descriptions of the APIs alone.</summary>
[Trait("Suite", "slow")]
public sealed partial class HttpEndToEndTests
{
    private const string Prefix = "EXPORTER_ACCOUNTS__DEPOT__";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_module_file_and_variables_alone_bring_an_API_to_metrics()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        var environment = new Dictionary<string, string>
        {
            [Prefix + "SOURCE"] = "http",
            [Prefix + "MODULE_FILE"] = HttpBench.Original("depot.yml"),
            [Prefix + "API_URL"] = bench.ApiUrl,
            [Prefix + "ISSUER"] = bench.Issuer,
            [Prefix + "CLIENT_ID"] = HttpProvider.ServiceClientId,
            [Prefix + "CLIENT_SECRET"] = HttpProvider.ServiceClientSecret,
            [Prefix + "TOKEN_FILE"] = bench["depot-token.json"],
            ["EXPORTER_STATE_FOLDER"] = bench["state"],
        };
        await using var exporter = await RunningExporter.StartAsync(["-a", "127.0.0.1:0"], environment, bench.Home, Cancellation);

        var page = await exporter.Shows("exporter_up{account=\"depot\",source=\"http\"} 1", Cancellation);

        Assert.Empty(await Promtool.Check(page, Cancellation));
        Assert.Equal(
            [
                "depot_battery", "depot_battery_ratio", "depot_door", "depot_door_openings_total", "depot_energy_joules_total",
                "depot_humidity_ratio", "depot_jobs_processed_total", "depot_jobs_waiting", "depot_oldest_job_timestamp_seconds",
                "depot_pallet_places", "depot_pallets", "depot_power_watts", "depot_queue_state", "depot_site_status",
                "depot_temperature_celsius", "depot_zone_alarm", "depot_zone_setpoint_celsius",
            ], DepotFamily().Matches(page).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal));
        AssertShows(page, "depot_site_status{site=\"Athens \\\"North\\\"\\nYard\",state=\"OPEN\",account=\"depot\"} 1");
        AssertShows(page, "depot_battery_ratio{sensor=\"cold-1\",site=\"Athens \\\"North\\\"\\nYard\",zone=\"Cold store\",account=\"depot\"} 0.87");
        AssertShows(page, "depot_queue_state{queue=\"invoices\",state=\"paused\",account=\"depot\"} 1");
        Assert.DoesNotContain("sensor=\"hall-1\"", page, StringComparison.Ordinal);
        Assert.Equal(HttpBench.RequestsOfAReading, bench.Requests);
        Assert.Equal((1, 1), (bench.Http.Endpoint("metadata").Requests, bench.Http.Endpoint("token").Requests));
        AssertHasNoSecret(exporter.Log);
        AssertHasNoSecret(page);
    }

    [Fact]
    public async Task A_page_of_an_account_shows_the_readings_with_names_and_units()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(HttpBench.Service());
        await using var exporter = await bench.RunProgramAsync();
        await exporter.Says("first reading succeeded", Cancellation);

        var page = Text(await exporter.Http.GetStringAsync("/", Cancellation));

        Assert.Contains("The exporter logs in with the client ID and the client secret.", page, StringComparison.Ordinal);
        Assert.Contains("cold-1, Athens \"North\" Yard, Cold store", page, StringComparison.Ordinal);
        Assert.Matches("Temperature -1[0-9][.][0-9] °C", page);
        Assert.Contains("Battery 87%", page, StringComparison.Ordinal);
        Assert.Contains("Berlin", page, StringComparison.Ordinal);
        Assert.Contains("Queue state running", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Log in", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_API_with_a_key_needs_no_login_and_no_token_file()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("door.yml");
        bench.Write("key.txt", HttpProvider.ApiKey + "\n");
        bench.ConfigureOnly(HttpBench.Of("door", "door.yml", "settings: {api_key_file: key.txt}"));
        await using var exporter = await bench.RunProgramAsync();

        var metrics = await exporter.Shows("door_open{account=\"door\"} 1", Cancellation);
        var page = await exporter.Http.GetStringAsync("/", Cancellation);

        Assert.Contains("The exporter uses the API key of the configuration.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("auth?account=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("auth/device", page, StringComparison.Ordinal);
        Assert.Contains("exporter_login_required{account=\"door\",source=\"http\"} 0", metrics, StringComparison.Ordinal);
        Assert.Empty(await Promtool.Check(metrics, Cancellation));
        AssertHasNoSecret(page + metrics + exporter.Log);
    }

    [Fact]
    public async Task A_user_name_and_a_password_read_an_API_and_so_does_nothing_at_all()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("meters.yml");
        bench.WriteModule("open.yml");
        bench.Write("password.txt", HttpProvider.Password + "\n");
        bench.ConfigureOnly(
            HttpBench.Of("meters", "meters.yml", $"username: {HttpProvider.User}", "password_file: password.txt"), HttpBench.Of("open", "open.yml"));
        await using var exporter = await bench.RunProgramAsync();

        await exporter.Shows("meters_leak{meter=\"water\",account=\"meters\"} 0", Cancellation);
        var metrics = await exporter.Shows("open_temperature_celsius{account=\"open\"} 21.5", Cancellation);
        var page = await exporter.Http.GetStringAsync("/", Cancellation);

        Assert.DoesNotContain("meters_leak{meter=\"gas\"", metrics, StringComparison.Ordinal);
        Assert.Contains("The exporter uses the user name and the password of the configuration.", page, StringComparison.Ordinal);
        Assert.Contains("The API needs no login.", page, StringComparison.Ordinal);
        Assert.Empty(bench.Http.UnexpectedRequests);
        AssertHasNoSecret(page + metrics + exporter.Log);
    }

    [Fact]
    public async Task A_browser_logs_in_by_redirect_and_the_metrics_appear()
    {
        var address = $"127.0.0.1:{FreePort.Take()}";
        await using var bench = await HttpBench.StartForProgramAsync(new HttpProviderOptions { RedirectUris = [$"http://{address}/auth/callback"] });
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(HttpBench.Of(
            "depot", "depot.yml", "grant: authorization_code", $"client_id: {HttpProvider.AppClientId}", "scopes: [depot.read, depot.stock]",
            "token_file: depot-token.json"));
        await using var exporter = await RunningExporter.StartAsync(["--config", bench["exporter.yml"], "-a", address], Cancellation);
        await exporter.Shows("exporter_login_required{account=\"depot\",source=\"http\"} 1", Cancellation);

        using var browser = new HttpClient { BaseAddress = exporter.Http.BaseAddress };
        using var page = await browser.GetAsync("/auth?account=depot", Cancellation);
        var consent = Consent().Match(await page.Content.ReadAsStringAsync(Cancellation)).Groups[1].Value;
        using var back = await browser.PostAsync(page.RequestMessage!.RequestUri, new FormUrlEncodedContent(
            new Dictionary<string, string> { ["consent"] = consent, ["decision"] = "accept" }), Cancellation);

        Assert.Equal((HttpStatusCode.OK, exporter.Http.BaseAddress!.Authority), (back.StatusCode, back.RequestMessage!.RequestUri!.Authority));
        await exporter.Shows("depot_temperature_celsius{sensor=\"cold-1\"", Cancellation);
        AssertHasNoSecret(exporter.Log);
    }

    [Fact]
    public async Task A_device_code_logs_in_and_the_answers_of_two_requests_are_joined()
    {
        await using var bench = await HttpBench.StartAsync();
        bench.WriteModule("tado.yml");
        bench.ConfigureOnly(HttpBench.Of("home", "tado.yml", "token_file: home-token.json"));
        var login = bench.RunAsync("login", "home", "--no-browser");
        await bench.PollUntilAsync(() => bench.Http.Endpoint("tado_token").Requests > 0);

        Assert.True(bench.Http.Decide(DeviceCode().Match(bench.Error).Groups[1].Value, approve: true));
        await bench.PollUntilAsync(() => login.IsCompleted);
        Assert.Equal(0, await login);
        await bench.OpenAsync();

        Assert.Equal(
            [
                "tado_temperature_celsius{home=\"Home\",zone=\"Living room\"} 20.17",
                "tado_heating_ratio{home=\"Home\",zone=\"Living room\"} 0.37", "exporter_http_duplicate_series{} 0",
            ], bench.Series());
        Assert.Empty(bench.Http.UnexpectedRequests);
    }

    [Fact]
    public async Task A_token_file_with_only_a_refresh_token_is_enough()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(bench.App());
        await using var exporter = await bench.RunProgramAsync();

        await exporter.Shows("depot_temperature_celsius{sensor=\"cold-1\"", Cancellation);

        Assert.Equal((1, 0), (bench.Http.Authorization.Counters.Rotations, bench.Http.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task Two_accounts_of_one_module_differ_by_the_label_account()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(HttpBench.Service("north"), bench.App("south"));
        await using var exporter = await bench.RunProgramAsync();

        await exporter.Shows("depot_power_watts{meter=\"main\",account=\"north\"}", Cancellation);
        var page = await exporter.Shows("depot_power_watts{meter=\"main\",account=\"south\"}", Cancellation);

        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    private static void AssertShows(string page, string line) => Assert.Contains(line + "\n", page, StringComparison.Ordinal);

    private static void AssertHasNoSecret(string text) => Assert.All(
        new[] { HttpProvider.ServiceClientSecret, HttpProvider.Password, HttpProvider.ApiKey },
        secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));

    /// <summary>The words of a page, with single spaces.</summary>
    private static string Text(string html) => Blanks().Replace(WebUtility.HtmlDecode(Tag().Replace(html, " ")), " ");

    [GeneratedRegex("^(depot_[a-z_]+)\\{", RegexOptions.Multiline)]
    private static partial Regex DepotFamily();

    [GeneratedRegex("name=\"consent\" value=\"([0-9a-f]+)\"")]
    private static partial Regex Consent();

    [GeneratedRegex("code +([A-Z0-9-]+)")]
    private static partial Regex DeviceCode();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("\\s+")]
    private static partial Regex Blanks();
}
