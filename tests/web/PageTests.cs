using System.Net;
using Exporter.Accounts;
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

        Assert.Contains(">Outdoor</h3>", page, StringComparison.Ordinal);
        Assert.Contains("<dt>Temperature</dt><dd>8.6\u00a0°C</dd>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<svg", page, StringComparison.Ordinal);
        var plots = WebUtility.HtmlDecode((await bench.Get("/plots?account=netatmo&offset=120")).Body);
        Assert.Contains("<figcaption id=\"plot-0\">Temperature, °C</figcaption>", plots, StringComparison.Ordinal);
        Assert.Contains("Times in UTC+02:00", plots, StringComparison.Ordinal);
        Assert.DoesNotContain("Wind direction", plots, StringComparison.Ordinal);
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

        Assert.Contains("Access not granted", page, StringComparison.Ordinal);
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
        Assert.Contains("Next readings</a>", page, StringComparison.Ordinal);
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
    [InlineData(42_900.4, "km", 0, "42,900\u00a0km")]
    [InlineData(21.34, "°C", 1, "21.3\u00a0°C")]
    [InlineData(-0.04, "°C", 1, "0.0\u00a0°C")]
    [InlineData(40, "%", 0, "40%")]
    [InlineData(315, "°", 0, "315°")]
    [InlineData(3, "", 0, "3")]
    [InlineData(1e30, "", 0, "1e30")]
    public void A_number_has_thousands_separators_its_decimals_and_its_unit(double value, string unit, int decimals, string text) =>
        Assert.Equal(text, Readings.Text(new(value, unit, decimals)));

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

        Assert.Equal(
            "<time datetime=\"2026-11-21T12:02:05Z\" data-future=\"in {}\" data-past=\"now\">in 2&#xA0;min 5&#xA0;s</time>",
            clock.Until(ManualTime.Start.AddSeconds(125)).ToString());
        Assert.Contains(">now<", clock.Until(ManualTime.Start).ToString(), StringComparison.Ordinal);
        Assert.Contains(">expired 2&#xA0;min 5&#xA0;s ago<",
            clock.Relative(ManualTime.Start.AddSeconds(-125), "expires in {}", "expired {} ago").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_shows_what_matters_and_the_rest_after_a_click()
    {
        var clock = new Clock(ManualTime.Start, TimeZoneInfo.Utc);
        var presentation = new Presentation(new ReadingCard("Car", new ReadingLine("Charge", new ReadingValue.Number(40, "%")),
            new ReadingLine("Plugged in", new ReadingValue.Flag(false)))
        {
            Subtitle = "BMW i4",
            Details = [new ReadingLine("Updated", new ReadingValue.Time(ManualTime.Start))],
        })
        {
            Tables = [new ReadingTable("Data sources", ["id", "left"], [[new ReadingValue.Text("<1>"), null]])],
        };

        var html = Readings.Render(presentation, clock, "car", "account-1").ToString();

        Assert.Contains("<h3 id=\"account-1-0\">Car</h3><p class=\"shared\">BMW i4</p>", html, StringComparison.Ordinal);
        Assert.Contains("<div><dt>Charge</dt><dd>40%</dd></div><div><dt>Plugged in</dt><dd>no</dd></div>", html, StringComparison.Ordinal);
        Assert.Contains("<details id=\"account-1-0-more\"><summary>More<span class=\"hidden\"> about Car</span></summary>", html, StringComparison.Ordinal);
        Assert.Contains("<tr><td>&lt;1&gt;</td><td>–</td></tr>", html, StringComparison.Ordinal);
        Assert.Equal("Charge 40%", Readings.Headline(presentation));
    }

    [Fact]
    public void A_reading_without_cards_and_tables_adds_no_heading() =>
        Assert.Equal("", Readings.Render(Presentation.Empty, new Clock(ManualTime.Start, TimeZoneInfo.Utc), "car", "account-1").ToString());
}
