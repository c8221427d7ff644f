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

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        var plots = tab.Page.GetByText("The last 24 hours");
        // The plots show a reading shortly after it is taken.
        do
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await tab.Page.ReloadAsync();
        }
        while (await plots.CountAsync() == 0);
        await plots.ClickAsync();

        Assert.Equal("/", new Uri(tab.Page.Url).AbsolutePath);
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Outdoor", Exact = true }).WaitForAsync();
        await tab.Page.GetByRole(AriaRole.Img, new() { NameRegex = new("^Temperature over") }).WaitForAsync();
        await tab.CaptureAsync("ok");
    }

    [Fact]
    public async Task A_logged_in_account_can_log_in_again()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State.Token!.AccessToken;
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByText("Token: next renewal").ClickAsync();
        await tab.CaptureAsync("token");
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in again at Netatmo" }).ClickAsync();
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

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" }).ClickAsync();
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
            await account.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo", Exact = true }).ClickAsync();
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

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" }).ClickAsync();
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

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByRole(AriaRole.Button, new() { NameRegex = new("^Log in at ") }).ClickAsync();
        await tab.Page.GetByText("ABCD-EFGH").WaitForAsync();
        // The browser is where the code is, without a page that the user must look for it on.
        Assert.StartsWith("login-", await tab.Page.EvaluateAsync<string>("document.activeElement.id"), StringComparison.Ordinal);
        await tab.Page.GetByRole(AriaRole.Img, new() { Name = "QR code of the link to provider.example" }).WaitForAsync();
        await tab.CaptureAsync("device");
        await tab.Page.EvaluateAsync("window.isTheSamePage = true");
        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active, TimeSpan.FromMinutes(5));

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByText("OK", new() { Exact = true }).WaitForAsync();
        Assert.True(await tab.Page.EvaluateAsync<bool>("window.isTheSamePage"));
        Assert.Equal("car: OK.", await tab.Page.GetByRole(AriaRole.Status).TextContentAsync());
    }

    [Fact]
    public async Task A_device_login_can_be_canceled()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);
        provider.Expect(System.Net.HttpStatusCode.OK, DeviceLoginTests.Code);
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByRole(AriaRole.Button, new() { NameRegex = new("^Log in at ") }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel the login" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByText("Login needed").WaitForAsync();

        Assert.Null(bench.Accounts[1].TokenManager.Snapshot.Login);
        Assert.Single(provider.Calls);
    }

    [Fact]
    public async Task A_token_is_renewed_and_a_login_ended_after_a_confirmation()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        await using var tab = await chromium.OpenAsync(bench.Address);
        var renewals = bench.Sandbox.Netatmo.Token.Requests;

        await tab.Page.GetByText("Token: next renewal").ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Renew now" }).ClickAsync();
        await tab.CaptureAsync("renew");
        Assert.Equal(renewals, bench.Sandbox.Netatmo.Token.Requests);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Renew now" }).ClickAsync();
        // The section of the token stays unfolded.
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log out" }).ClickAsync();
        Assert.Equal(renewals + 1, bench.Sandbox.Netatmo.Token.Requests);
        await tab.CaptureAsync("logout");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await tab.Page.GetByText("Login needed").WaitForAsync();

        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
        Assert.False(System.IO.File.Exists(bench.DirectoryPath["token.json"]));
    }

    [Fact]
    public async Task A_device_login_is_started_here_and_accepted_on_BMWs_page()
    {
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.BmwCar(b)]);
        await using var tab = await chromium.OpenAsync(bench.Address);
        var car = tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" });

        await car.GetByRole(AriaRole.Button, new() { NameRegex = new("^Log in at ") }).ClickAsync();
        var code = await tab.Page.Locator("p.code").TextContentAsync();
        var bmw = await tab.Page.Context.RunAndWaitForPageAsync(() => car.GetByRole(AriaRole.Link, new() { Name = "Open 127.0.0.1" }).ClickAsync());
        Assert.Equal(code, await bmw.GetByLabel("Code").InputValueAsync());
        await bmw.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await bmw.GetByText("Thank you").WaitForAsync();
        // One poll: BMW's response takes real time, and the clock must not get ahead of it.
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        await bench.UntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active);

        await car.GetByText("OK", new() { Exact = true }).WaitForAsync();
        var saved = await System.IO.File.ReadAllTextAsync(bench.DirectoryPath["car.json"], TestContext.Current.CancellationToken);
        Assert.Contains("\"gcid\"", saved, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_updates_countdowns_in_the_format_of_the_page()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, time: TimeProvider.System);
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.Page.GetByText("Token: next renewal").ClickAsync();
        Assert.Matches(
            @"^expires in (2\u00a0h 59\u00a0min$|3\u00a0h)", await tab.Page.Locator("dd time[data-future^=expires]").First.TextContentAsync());

        // Advances the script's clock by less than the reload interval.
        await tab.Page.EvaluateAsync(
            "() => { const now = Date.parse(document.querySelector('dd time[data-past=\"{} ago\"]').dateTime) + 45_000; Date.now = () => now; }");

        await tab.Page.GetByText(new System.Text.RegularExpressions.Regex(@"^4\d\ss ago$")).First.WaitForAsync();
    }

    [Fact]
    public async Task Times_are_in_the_zone_of_the_browser()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, time: TimeProvider.System);
        await using var tab = await chromium.OpenAsync(bench.Address, zone: "Asia/Kolkata");

        await tab.Page.GetByText("UTC+05:30").WaitForAsync();
        var updated = tab.Page.Locator("footer time");
        var at = DateTimeOffset.Parse((await updated.GetAttributeAsync("datetime"))!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.EndsWith($"{at.UtcDateTime.AddHours(5.5):HH:mm}", await updated.TextContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_says_that_the_exporter_does_not_respond()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.Page.EvaluateAsync("document.documentElement.dataset.refresh = 1");
        await tab.Page.RouteAsync("**/*", route => route.AbortAsync());

        await tab.Page.GetByText("The exporter does not respond.").WaitForAsync();
        await tab.CaptureAsync("offline");
        await tab.Page.UnrouteAsync("**/*");

        await tab.Page.GetByText("The exporter does not respond.").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        tab.Errors.RemoveAll(error => error.Contains("ERR_FAILED", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_pages_work_without_scripts()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Run();
        await using var tab = await chromium.OpenAsync(bench.Address, scripts: false);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        await tab.Page.ReloadAsync();

        await tab.Page.Locator("dd", new() { HasText = "21.3\u00a0°C" }).First.WaitForAsync();
        await tab.Page.GetByText("in 2\u00a0h 59\u00a0min").Or(tab.Page.GetByText("in 2\u00a0h")).First.WaitForAsync();
    }

    [Fact]
    public async Task Every_control_can_be_reached_by_keyboard()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);
        var reached = new List<string>();

        for (var i = 0; i < 10; i++)
        {
            await tab.Page.Keyboard.PressAsync("Tab");
            reached.Add(await tab.Page.EvaluateAsync<string>("document.activeElement.textContent.trim()"));
        }

        Assert.Equal(["Skip to the content", "Exporter", "Metrics", "Status as JSON", "Health", "Help"], reached[..6]);
        Assert.StartsWith("Version ", reached[6], StringComparison.Ordinal);
        Assert.StartsWith("netatmo", reached[7], StringComparison.Ordinal);
        Assert.Equal(["Log in at Netatmo", "Paste a refresh token"], reached[8..]);
    }

    [Fact]
    public async Task A_login_by_redirect_needs_only_the_keyboard()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);

        await PressAsync(tab.Page, "Log in at Netatmo");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).WaitForAsync();
        await PressAsync(tab.Page, "Accept");

        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task A_login_by_device_code_needs_only_the_keyboard()
    {
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.BmwCar(b)]);
        await using var tab = await chromium.OpenAsync(bench.Address);

        await PressAsync(tab.Page, "Log in at BMW");
        await tab.Page.GetByText("A login is in progress.").WaitForAsync();
        var bmw = await tab.Page.Context.RunAndWaitForPageAsync(() => PressAsync(tab.Page, "Open 127.0.0.1"));
        await bmw.GetByRole(AriaRole.Button, new() { Name = "Accept" }).WaitForAsync();
        await PressAsync(bmw, "Accept");
        await bmw.GetByText("Thank you").WaitForAsync();
        // One poll: BMW's response takes real time, and the clock must not get ahead of it.
        bench.Clock.Advance(TimeSpan.FromSeconds(5));

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task A_login_by_pasting_needs_only_the_keyboard()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);

        await PressAsync(tab.Page, "Paste a refresh token");
        await tab.Page.GetByLabel("Refresh token").WaitForAsync();
        await TabToAsync(tab.Page, "document.activeElement.name", "refresh_token");
        await tab.Page.Keyboard.TypeAsync(bench.Sandbox.Netatmo.Login().RefreshToken);
        await tab.Page.Keyboard.PressAsync("Enter");

        await tab.Page.GetByText("OK", new() { Exact = true }).WaitForAsync();
    }

    [Fact]
    public async Task A_folded_card_stays_folded()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        await using var tab = await chromium.OpenAsync(bench.Address);
        var login = tab.Page.GetByRole(AriaRole.Region, new() { Name = "cabin" }).GetByRole(AriaRole.Link, new() { Name = "Log in at Netatmo" });

        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "cabin" }).ClickAsync();
        await login.WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        await tab.CaptureAsync("folded");
        await tab.Page.ReloadAsync();

        Assert.False(await login.IsVisibleAsync());
    }

    [Fact]
    public async Task The_help_is_accessible()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Help" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "States of an account" }).WaitForAsync();
        await tab.CaptureAsync("help");
    }

    /// <summary>Moves the focus to the link or button by the keyboard, and presses Enter.</summary>
    private static async Task PressAsync(IPage page, string text)
    {
        await TabToAsync(page, "document.activeElement.textContent.trim()", text);
        await page.Keyboard.PressAsync("Enter");
    }

    private static async Task TabToAsync(IPage page, string expression, string expected)
    {
        for (var i = 0; i < 20; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string?>(expression) == expected)
            {
                return;
            }
        }
        Assert.Fail($"{expected} has no focus after 20 tabs");
    }
}
