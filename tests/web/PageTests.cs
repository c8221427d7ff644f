using System.Net;
using Exporter.Metrics;
using Exporter.Sandbox;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The page of accounts: every state in words, readings, and never an error of its own.</summary>
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
    public async Task A_refused_client_says_what_to_correct_and_keeps_the_page_up()
    {
        await using var bench = await WebBench.StartAsync([("--client-secret", "wrong")], loggedIn: true);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Client refused", page, StringComparison.Ordinal);
        Assert.Contains("The token is kept. Correct the account's client id", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renewal_that_fails_says_when_it_is_tried_again()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());
        bench.Clock.Advance(TimeSpan.FromHours(3));
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Renewal fails", page, StringComparison.Ordinal);
        Assert.Contains("the token endpoint is not working", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cloud_that_refuses_to_be_read_is_explained_beside_the_last_readings()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.StationsData.Fail(new Fault.Refuse("13"));
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Failure is not null);

        var page = (await bench.Get("/")).Body;

        Assert.Contains("Reading fails", page, StringComparison.Ordinal);
        Assert.Contains("Log in again and grant it", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_from_the_cloud_are_text_whatever_they_hold()
    {
        const string Answer = """{"body":{"devices":[{"_id":"70:ee:50:00:00:01","type":"NAMain","module_name":"<img src=x onerror=alert(1)>\"'&","station_name":"s","reachable":true,"dashboard_data":{"time_utc":1,"Temperature":1}}]}}""";
        var sample = NetatmoSample.FromJson(Answer);
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
        Assert.Contains("more; the metrics page has them all", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task People_have_an_address_of_their_own_where_the_admin_address_is_set()
    {
        await using var bench = await WebBench.StartAsync([("--web.admin-address", "127.0.0.1:0"), ("--addr", "127.0.0.1:0")]);
        var (people, programs) = (bench.Addresses[0], bench.Addresses[1]);

        foreach (var path in new[] { "/", "/auth", "/auth/callback", "/version", "/assets/exporter.css" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await bench.Get(new Uri(programs, path).AbsoluteUri)).Status);
            Assert.NotEqual(HttpStatusCode.NotFound, (await bench.Get(new Uri(people, path).AbsoluteUri)).Status);
        }
        foreach (var path in new[] { "/metrics", "/-/healthy", "/-/ready" })
        {
            Assert.Equal(HttpStatusCode.OK, (await bench.Get(new Uri(programs, path).AbsoluteUri)).Status);
        }
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(await bench.ConsentAsync())).Status);
    }

    [Fact]
    public async Task Several_addresses_are_listened_on_IPv6_among_them()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "There is no IPv6 here.");
        await using var bench = await WebBench.StartAsync([("--web.listen-address", "127.0.0.1:0"), ("--web.listen-address", "[::1]:0")]);

        Assert.Equal(["127.0.0.1", "[::1]"], bench.Addresses.Select(a => a.Host));
        foreach (var address in bench.Addresses)
        {
            Assert.Equal(HttpStatusCode.OK, (await bench.Get(new Uri(address, "/metrics").AbsoluteUri)).Status);
        }
    }

    [Fact]
    public void Markup_is_what_stands_in_the_source_and_nothing_else()
    {
        Html inner = $"<b>{"<x y='z'>&"}</b>";

        Assert.Equal("<p title=\"&quot;\"><b>&lt;x y=&#x27;z&#x27;&gt;&amp;</b> grüezi 21.3</p>", ((Html)$"<p title=\"{"\""}\">{inner} {"grüezi"} {21.3}</p>").ToString());
    }

    [Theory]
    [InlineData("netatmo_sensor_temperature_celsius", "Temperature", "°C")]
    [InlineData("netatmo_sensor_co2_ppm", "CO2", "ppm")]
    [InlineData("netatmo_sensor_rf_signal_strength", "RF signal strength", "")]
    [InlineData("netatmo_sensor_last_seen_timestamp_seconds", "Last seen", "")]
    [InlineData("netatmo_sensor_", "Netatmo sensor", "")]
    public void A_quantity_is_read_off_its_metrics_name(string metric, string title, string unit) =>
        Assert.Equal(new Quantity(title, unit), Quantity.Of(metric, "netatmo_sensor_", OfSource));

    [Theory]
    [InlineData("x_power_watts", "")]
    [InlineData("x_speed_kph", "")]
    [InlineData("x_level_meters", "m")]
    public void A_unit_that_is_no_base_unit_of_Prometheus_comes_from_the_source(string metric, string unit) =>
        Assert.Equal(unit, Quantity.Of(metric, "x_", new Dictionary<string, string>()).Unit);

    [Theory]
    [InlineData(0, "0\u00a0s")]
    [InlineData(59, "59\u00a0s")]
    [InlineData(60, "1\u00a0min 0\u00a0s")]
    [InlineData(3599, "59\u00a0min 59\u00a0s")]
    [InlineData(7380, "2\u00a0h 3\u00a0min")]
    [InlineData(90000, "1\u00a0d 1\u00a0h")]
    public void A_length_of_time_has_its_two_largest_units(int seconds, string text) => Assert.Equal(text, Clock.Length(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void What_a_script_counts_is_what_the_page_says()
    {
        var clock = new Clock(ManualTime.Start, TimeZoneInfo.Utc);

        Assert.Equal("<time datetime=\"2026-11-21T12:02:05Z\" data-count=\"down\">in 2&#xA0;min 5&#xA0;s</time>", clock.Until(ManualTime.Start.AddSeconds(125)).ToString());
        Assert.Equal("now", WebUtility.HtmlDecode(clock.Until(ManualTime.Start).ToString().Split('>')[1].Split('<')[0]));
    }

    private static readonly Dictionary<string, string> OfSource = new() { ["ppm"] = "ppm", ["kph"] = "km/h" };

    [Fact]
    public void Info_of_a_thing_is_told_with_it()
    {
        var labels = LabelSet.Of(("module", "Roof"));
        MetricFamily[] families =
        [
            MetricFamily.Gauge("x_wind_kph", "Wind.", [new Sample(labels, 14)]),
            MetricFamily.Info("x_module_info", "What it is.", [labels.With("firmware", "25")]),
        ];

        var tile = Readings.Tiles(families, OfSource, new Clock(ManualTime.Start, TimeZoneInfo.Utc)).ToString();

        Assert.Contains("<dt>firmware</dt><dd>25</dd>", tile, StringComparison.Ordinal);
        Assert.Contains("Wind</dt><dd>14&#xA0;km/h</dd>", tile, StringComparison.Ordinal);
    }
}
