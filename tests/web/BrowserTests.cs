using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Playwright;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The pages and the login in a real browser, Debian's Chromium.</summary>
[Trait("Suite", "slow")]
public sealed class BrowserTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task A_new_user_logs_in_and_sees_readings_and_plots()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Run();
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.CaptureAsync("waiting");

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        var plot = tab.Page.GetByRole(AriaRole.Img, new() { NameRegex = new("^Temperature over") });
        // The plots show a reading shortly after it is taken.
        do
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await tab.Page.ReloadAsync();
        }
        while (await plot.CountAsync() == 0);

        Assert.Equal(bench.Address, new Uri(tab.Page.Url));
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Outdoor", Exact = true }).WaitForAsync();
        await plot.WaitForAsync();
        await tab.CaptureAsync("ok");
    }

    [Fact]
    public async Task A_logged_in_account_can_log_in_again()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State.Token!.AccessToken;
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in again" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();

        Assert.NotEqual(before, bench.Account.TokenManager.Snapshot.State.Token!.AccessToken);
    }

    [Fact]
    public async Task A_denied_login_reports_that_nothing_was_changed()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(new Uri(bench.Address, "/auth"));

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Refuse" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "The login was denied" }).WaitForAsync();
        await tab.CaptureAsync("denied");

        tab.Errors.RemoveAll(e => e.Contains("status of 400", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_lost_login_is_explained_and_fixed_by_logging_in()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, TestContext.Current.CancellationToken);
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.Page.GetByText("The login was lost at").WaitForAsync();
        await tab.CaptureAsync("lost");

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();

        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task Pasting_a_refresh_token_logs_in()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Paste a refresh token" }).ClickAsync();
        await tab.CaptureAsync("paste");
        await tab.Page.GetByLabel("Refresh token").FillAsync(bench.Sandbox.Netatmo.Login().RefreshToken);
        await tab.Page.Keyboard.PressAsync("Enter");

        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task Two_accounts_log_in_one_after_the_other()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        await using var tab = await chromium.OpenAsync(new Uri(bench.Address, "/auth"));
        await tab.CaptureAsync("two");

        foreach (var name in new[] { "home", "cabin" })
        {
            var account = tab.Page.GetByRole(AriaRole.Region, new() { Name = name });
            await account.GetByRole(AriaRole.Link, new() { Name = "Log in", Exact = true }).ClickAsync();
            await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
            await account.GetByText("OK", new() { Exact = true }).WaitForAsync();
        }

        Assert.All(bench.Accounts, a => Assert.IsType<TokenState.Active>(a.TokenManager.Snapshot.State));
    }

    [Fact]
    public async Task A_login_started_at_localhost_finishes_at_127_0_0_1()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(new Uri($"http://localhost:{bench.Address.Port}/"));

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();

        Assert.Equal("127.0.0.1", new Uri(tab.Page.Url).Host);
    }

    [Fact]
    public async Task A_device_login_shows_its_code_until_it_is_finished()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);
        provider.Expect(System.Net.HttpStatusCode.OK, DeviceLoginTests.Code).Expect(System.Net.HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByText("ABCD-EFGH").WaitForAsync();
        await tab.StopReloadAsync();
        await tab.CaptureAsync("device");
        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active, TimeSpan.FromMinutes(5));
        await tab.Page.ReloadAsync();

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task A_device_login_is_started_here_and_accepted_on_BMWs_page()
    {
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.BmwCar(b)]);
        await using var tab = await chromium.OpenAsync(bench.Address);
        var car = tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" });

        await car.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        var code = await tab.Page.Locator("p.code").TextContentAsync();
        await tab.StopReloadAsync();
        var bmw = await tab.Page.Context.RunAndWaitForPageAsync(() => car.GetByRole(AriaRole.Link, new() { Name = "Open 127.0.0.1" }).ClickAsync());
        Assert.Equal(code, await bmw.GetByLabel("Code").InputValueAsync());
        await bmw.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await bmw.GetByText("Thank you").WaitForAsync();
        // One poll: BMW's response takes real time, and the clock must not get ahead of it.
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        await bench.UntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active);
        await tab.Page.ReloadAsync();

        await car.GetByText("OK", new() { Exact = true }).WaitForAsync();
        var saved = await System.IO.File.ReadAllTextAsync(bench.DirectoryPath["car.json"], TestContext.Current.CancellationToken);
        Assert.Contains("\"gcid\"", saved, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_updates_countdowns_in_the_format_of_the_page()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, time: TimeProvider.System);
        await using var tab = await chromium.OpenAsync(bench.Address);
        Assert.Matches(@"^in 2\u00a0h 59\u00a0min$|^in 3\u00a0h", await tab.Page.Locator("time[data-count=down]").First.TextContentAsync());

        // Advances the script's clock by less than the reload interval.
        await tab.Page.EvaluateAsync(
            "() => { const now = Date.parse(document.querySelector('time[data-count=up]').dateTime) + 45_000; Date.now = () => now; }");

        await tab.Page.GetByText(new System.Text.RegularExpressions.Regex(@"^4\d\ss ago$")).First.WaitForAsync();
    }

    [Fact]
    public async Task The_pages_work_without_scripts()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Run();
        await using var tab = await chromium.OpenAsync(bench.Address, scripts: false);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        await tab.Page.ReloadAsync();

        await tab.Page.GetByText("21.3\u00a0°C", new() { Exact = false }).Or(tab.Page.GetByText("21.3°C")).First.WaitForAsync();
        await tab.Page.GetByText("in 2\u00a0h 59\u00a0min").Or(tab.Page.GetByText("in 2\u00a0h")).First.WaitForAsync();
    }

    [Fact]
    public async Task Every_control_can_be_reached_by_keyboard()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);
        var reached = new List<string>();

        for (var i = 0; i < 4; i++)
        {
            await tab.Page.Keyboard.PressAsync("Tab");
            reached.Add(await tab.Page.EvaluateAsync<string>("document.activeElement.textContent"));
        }

        Assert.Equal(["Skip to the content", "Exporter", "Log in", "Paste a refresh token"], reached);
    }
}
