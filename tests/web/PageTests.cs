using System.Net;
using Exporter.Metrics;
using Exporter.Sandbox;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The start page: the states of accounts, their readings, and its limits.</summary>
public sealed class PageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readings_are_shown_with_their_units_and_a_plot()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up && bench.Clock.Waiting > 1);

        var page = WebUtility.HtmlDecode((await bench.Get("/")).Body);

        Assert.Contains("<h4>Outdoor</h4>", page, StringComparison.Ordinal);
        Assert.Contains("<dt title=\"Temperature measurement in celsius\">Temperature</dt><dd>8.6\u00a0°C</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<figcaption id=\"plot-0-0\">CO2, ppm</figcaption>", page, StringComparison.Ordinal);
        Assert.Contains("Harbour House · Harbour House (Indoor)", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_client_is_explained_with_the_fix()
    {
        await using var bench = await WebBench.StartAsync([("--client-secret", "wrong")], loggedIn: true);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Credentials rejected", page, StringComparison.Ordinal);
        Assert.Contains("The exporter keeps the token. Fix the credentials", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_renewal_is_reported()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());
        bench.Clock.Advance(TimeSpan.FromHours(3));
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Renewal failed", page, StringComparison.Ordinal);
        Assert.Contains("the token endpoint is not working", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"body":{"devices":[],"user":{}},"status":"ok"}""", 0, "The Netatmo account has no weather stations. Check that it is the right account.")]
    [InlineData("""{"body":[],"status":"ok"}""", 0, "The Netatmo account has no weather stations. Check that it is the right account.")]
    [InlineData("""{"body":{"devices":[{"_id":"a","modules":[1]}]}}""", 1, "contains modules in an unknown format, which are not exported: 1.")]
    public async Task What_is_missing_in_a_reading_is_on_the_page_in_the_log_once_and_in_a_metric(string body, int stations, string notice)
    {
        await using var bench = await WebBench.StartAsync([("--refresh-interval", "10s")], loggedIn: true);
        bench.Sandbox.Netatmo.StationsData.Fail(new Fault.Respond(200, body), 2);
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Tries == 1);
        bench.Clock.Advance(TimeSpan.FromSeconds(11));
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Tries == 2);

        Assert.Contains(notice, System.Net.WebUtility.HtmlDecode((await bench.Get("/")).Body), StringComparison.Ordinal);
        Assert.Equal(2, bench.Log.Split(notice).Length);
        Assert.Contains($"netatmo_stations {stations}\n", (await bench.Get("/metrics")).Body, StringComparison.Ordinal);
        bench.Clock.Advance(TimeSpan.FromSeconds(11));
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Tries == 3);
        Assert.DoesNotContain(notice, System.Net.WebUtility.HtmlDecode((await bench.Get("/")).Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_reading_is_explained_with_the_fix()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.StationsData.Fail(new Fault.Refuse("13"));
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Failure is not null);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Reading failed", page, StringComparison.Ordinal);
        Assert.Contains("Log in again and grant access", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_from_the_provider_are_always_text()
    {
        const string Response = """
            {"body":{"devices":[{"_id":"70:ee:50:00:00:01","type":"NAMain","module_name":"<img src=x onerror=alert(1)>\"'&","station_name":"s",
            "reachable":true,"dashboard_data":{"time_utc":1,"Temperature":1}}]}}
            """;
        var sample = NetatmoSample.FromJson(Response);
        await using var bench = await WebBench.StartAsync(loggedIn: true, provider: new NetatmoProviderOptions { Stations = sample });
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);

        var page = (await bench.Get("/")).Body;

        Assert.DoesNotContain("<img", page, StringComparison.Ordinal);
        Assert.Contains("&lt;img src=x onerror=alert(1)&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hundred_stations_are_a_page_of_bounded_size()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, provider: new NetatmoProviderOptions { Stations = NetatmoSample.Large });
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);

        var page = (await bench.Get("/")).Body;

        Assert.InRange(page.Length, 10_000, 500_000);
        Assert.Contains("more; the metrics page lists them all", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_an_admin_address_the_pages_are_served_there_only()
    {
        await using var bench = await WebBench.StartAsync([("--web.admin-address", "127.0.0.1:0"), ("--addr", "127.0.0.1:0")]);
        var (admin, other) = (bench.Addresses[0], bench.Addresses[1]);

        foreach (var path in new[] { "/", "/auth", "/auth/callback", "/version", "/assets/exporter.css" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await bench.Get(new Uri(other, path).AbsoluteUri)).Status);
            Assert.NotEqual(HttpStatusCode.NotFound, (await bench.Get(new Uri(admin, path).AbsoluteUri)).Status);
        }
        foreach (var path in new[] { "/metrics", "/-/healthy", "/-/ready", "/healthz", "/api/status" })
        {
            Assert.Equal(HttpStatusCode.OK, (await bench.Get(new Uri(other, path).AbsoluteUri)).Status);
        }
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(await bench.ConsentAsync())).Status);
    }

    [Fact]
    public async Task The_server_listens_on_several_addresses_including_IPv6()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "IPv6 is not available.");
        await using var bench = await WebBench.StartAsync([("--web.listen-address", "127.0.0.1:0"), ("--web.listen-address", "[::1]:0")]);

        Assert.Equal(["127.0.0.1", "[::1]"], bench.Addresses.Select(a => a.Host));
        foreach (var address in bench.Addresses)
        {
            Assert.Equal(HttpStatusCode.OK, (await bench.Get(new Uri(address, "/metrics").AbsoluteUri)).Status);
        }
    }

    [Fact]
    public void Interpolated_values_never_become_markup()
    {
        Html inner = $"<b>{"<x y='z'>&"}</b>";

        Html outer = $"<p title=\"{"\""}\">{inner} {"grüezi"} {21.3}</p>";
        Assert.Equal("<p title=\"&quot;\"><b>&lt;x y=&#x27;z&#x27;&gt;&amp;</b> grüezi 21.3</p>", outer.ToString());
    }

    [Theory]
    [InlineData("netatmo_sensor_temperature_celsius", "Temperature", "°C")]
    [InlineData("netatmo_sensor_co2_ppm", "CO2", "ppm")]
    [InlineData("netatmo_sensor_rf_signal_strength", "RF signal strength", "")]
    [InlineData("netatmo_sensor_last_seen_timestamp_seconds", "Last seen", "")]
    [InlineData("netatmo_sensor_", "Netatmo sensor", "")]
    public void Title_and_unit_come_from_the_metric_name(string metric, string title, string unit) =>
        Assert.Equal(new Quantity(title, unit), Quantity.FromMetric(metric, "netatmo_sensor_", SourceUnits));

    [Theory]
    [InlineData("x_power_watts", "")]
    [InlineData("x_speed_kph", "")]
    [InlineData("x_level_meters", "m")]
    public void Only_base_units_of_Prometheus_are_built_in(string metric, string unit) =>
        Assert.Equal(unit, Quantity.FromMetric(metric, "x_", new Dictionary<string, string>()).Unit);

    [Theory]
    [InlineData(0, "0\u00a0s")]
    [InlineData(59, "59\u00a0s")]
    [InlineData(60, "1\u00a0min 0\u00a0s")]
    [InlineData(3599, "59\u00a0min 59\u00a0s")]
    [InlineData(7380, "2\u00a0h 3\u00a0min")]
    [InlineData(90000, "1\u00a0d 1\u00a0h")]
    public void A_duration_has_its_two_largest_units(int seconds, string text) =>
        Assert.Equal(text, Clock.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void The_page_contains_the_time_that_the_script_counts_down_to()
    {
        var clock = new Clock(ManualTime.Start, TimeZoneInfo.Utc);

        Assert.Equal("<time datetime=\"2026-11-21T12:02:05Z\" data-count=\"down\">in 2&#xA0;min 5&#xA0;s</time>",
            clock.Until(ManualTime.Start.AddSeconds(125)).ToString());
        Assert.Equal("now", WebUtility.HtmlDecode(clock.Until(ManualTime.Start).ToString().Split('>')[1].Split('<')[0]));
    }

    private static readonly Dictionary<string, string> SourceUnits = new() { ["ppm"] = "ppm", ["kph"] = "km/h" };

    [Fact]
    public void A_tile_includes_the_labels_of_info_metrics()
    {
        var labels = LabelSet.Of(("module", "Roof"));
        MetricFamily[] families =
        [
            MetricFamily.Gauge("x_wind_kph", "Wind.", [new Sample(labels, 14)]),
            MetricFamily.Info("x_module_info", "What it is.", [labels.With("firmware", "25")]),
        ];

        var tile = Readings.Tiles(families, SourceUnits, new Clock(ManualTime.Start, TimeZoneInfo.Utc)).ToString();

        Assert.Contains("<dt>firmware</dt><dd>25</dd>", tile, StringComparison.Ordinal);
        Assert.Contains("Wind</dt><dd>14&#xA0;km/h</dd>", tile, StringComparison.Ordinal);
    }
}
