using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Playwright;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The login clicked and the pages read in a real browser, Debian's Chromium.</summary>
[Trait("Suite", "slow")]
public sealed class BrowserTests(BrowserTests.Chromium chromium) : IClassFixture<BrowserTests.Chromium>
{
    [Fact]
    public async Task A_newcomer_clicks_the_login_and_sees_readings_and_plots()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Run();
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.LookAsync("waiting");

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("Alive").WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        var plot = tab.Page.GetByRole(AriaRole.Img, new() { NameRegex = new("^Temperature over") });
        // A reading is recorded for the plots a moment after it is there.
        do
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await tab.Page.ReloadAsync();
        }
        while (await plot.CountAsync() == 0);

        Assert.Equal(bench.Address, new Uri(tab.Page.Url));
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Outdoor", Exact = true }).WaitForAsync();
        await plot.WaitForAsync();
        await tab.LookAsync("alive");
    }

    [Fact]
    public async Task Who_is_logged_in_can_log_in_again()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State.Token!.AccessToken;
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in again" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("Alive").WaitForAsync();

        Assert.NotEqual(before, bench.Account.TokenManager.Snapshot.State.Token!.AccessToken);
    }

    [Fact]
    public async Task Who_refuses_reads_that_nothing_was_changed()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(new Uri(bench.Address, "/auth"));

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Refuse" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "The login was refused" }).WaitForAsync();
        await tab.LookAsync("refused");

        tab.Errors.RemoveAll(e => e.Contains("status of 400", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_lost_token_explains_itself_and_is_repaired_by_a_login()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, TestContext.Current.CancellationToken);
        await using var tab = await chromium.OpenAsync(bench.Address);
        await tab.Page.GetByText("The login is lost since").WaitForAsync();
        await tab.LookAsync("lost");

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();

        await tab.Page.GetByText("Alive").WaitForAsync();
    }

    [Fact]
    public async Task A_lost_token_is_repaired_by_pasting_a_refresh_token()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Paste a refresh token" }).ClickAsync();
        await tab.LookAsync("paste");
        await tab.Page.GetByLabel("Refresh token").FillAsync(bench.Sandbox.Netatmo.Login().RefreshToken);
        await tab.Page.Keyboard.PressAsync("Enter");

        await tab.Page.GetByText("Alive").WaitForAsync();
    }

    [Fact]
    public async Task Two_accounts_are_logged_in_to_one_after_the_other()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        await using var tab = await chromium.OpenAsync(new Uri(bench.Address, "/auth"));
        await tab.LookAsync("two");

        foreach (var name in new[] { "home", "cabin" })
        {
            await tab.Page.GetByRole(AriaRole.Region, new() { Name = name }).GetByRole(AriaRole.Link, new() { Name = "Log in", Exact = true }).ClickAsync();
            await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
            await tab.Page.GetByRole(AriaRole.Region, new() { Name = name }).GetByText("Alive").WaitForAsync();
        }

        Assert.All(bench.Accounts, a => Assert.IsType<TokenState.Active>(a.TokenManager.Snapshot.State));
    }

    [Fact]
    public async Task Begun_at_localhost_a_login_is_finished_at_127_0_0_1()
    {
        await using var bench = await WebBench.StartAsync();
        await using var tab = await chromium.OpenAsync(new Uri($"http://localhost:{bench.Address.Port}/"));

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("Alive").WaitForAsync();

        Assert.Equal("127.0.0.1", new Uri(tab.Page.Url).Host);
    }

    [Fact]
    public async Task A_device_login_shows_its_code_until_it_is_done()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)]);
        provider.Expect(System.Net.HttpStatusCode.OK, DeviceLoginTests.Code).Expect(System.Net.HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var tab = await chromium.OpenAsync(bench.Address);

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByText("ABCD-EFGH").WaitForAsync();
        await tab.StandStillAsync();
        await tab.LookAsync("device");
        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active, TimeSpan.FromMinutes(5));
        await tab.Page.ReloadAsync();

        await tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" }).GetByText("Alive").WaitForAsync();
    }

    [Fact]
    public async Task A_cars_login_is_clicked_here_and_approved_at_BMWs_page()
    {
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.BmwCar(b)]);
        await using var tab = await chromium.OpenAsync(bench.Address);
        var car = tab.Page.GetByRole(AriaRole.Region, new() { Name = "car" });

        await car.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        var code = await tab.Page.Locator("p.code").TextContentAsync();
        await tab.StandStillAsync();
        var bmw = await tab.Page.Context.RunAndWaitForPageAsync(() => car.GetByRole(AriaRole.Link, new() { Name = "Open 127.0.0.1" }).ClickAsync());
        Assert.Equal(code, await bmw.GetByLabel("Code").InputValueAsync());
        await bmw.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await bmw.GetByText("Thank you").WaitForAsync();
        // One poll: BMW's answer takes real time, which the clock must not run ahead of.
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        await bench.UntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active);
        await tab.Page.ReloadAsync();

        await car.GetByText("Alive").WaitForAsync();
        Assert.Contains("\"gcid\"", await System.IO.File.ReadAllTextAsync(bench.DirectoryPath["car.json"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_counts_moments_on_in_the_words_of_the_page()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, time: TimeProvider.System);
        await using var tab = await chromium.OpenAsync(bench.Address);
        Assert.Matches(@"^in 2\u00a0h 59\u00a0min$|^in 3\u00a0h", await tab.Page.Locator("time[data-count=down]").First.TextContentAsync());

        // The script's own clock, by less than what makes it load the page again.
        await tab.Page.EvaluateAsync("() => { const now = Date.parse(document.querySelector('time[data-count=up]').dateTime) + 45_000; Date.now = () => now; }");

        await tab.Page.GetByText(new System.Text.RegularExpressions.Regex(@"^4\d\ss ago$")).First.WaitForAsync();
    }

    [Fact]
    public async Task Everything_can_be_read_and_clicked_with_scripts_off()
    {
        await using var bench = await WebBench.StartAsync();
        bench.Run();
        await using var tab = await chromium.OpenAsync(bench.Address, scripts: false);

        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Log in" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await tab.Page.GetByText("Alive").WaitForAsync();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        await tab.Page.ReloadAsync();

        await tab.Page.GetByText("21.3\u00a0°C", new() { Exact = false }).Or(tab.Page.GetByText("21.3°C")).First.WaitForAsync();
        await tab.Page.GetByText("in 2\u00a0h 59\u00a0min").Or(tab.Page.GetByText("in 2\u00a0h")).First.WaitForAsync();
    }

    [Fact]
    public async Task Everything_can_be_reached_with_the_keyboard_alone()
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

    /// <summary>One browser for all tests, a window of its own for each.</summary>
    public sealed class Chromium : IAsyncLifetime
    {
        /// <summary>Without the last four, Chromium looks for Google's servers at every start.</summary>
        private static readonly string[] Flags =
            ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

        private IPlaywright? playwright;
        private IBrowser? browser;

        public async ValueTask InitializeAsync()
        {
            var executable = Peer.Find("chromium");
            playwright = await Playwright.CreateAsync();
            browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = executable, Args = Flags });
        }

        public async ValueTask DisposeAsync()
        {
            if (browser is not null)
            {
                await browser.DisposeAsync();
            }
            playwright?.Dispose();
        }

        internal async Task<Tab> OpenAsync(Uri address, bool scripts = true)
        {
            var window = await browser!.NewContextAsync(new() { JavaScriptEnabled = scripts });
            var tab = new Tab(window, await window.NewPageAsync(), address);
            tab.Page.SetDefaultTimeout(60_000);
            await tab.Page.GotoAsync(address.AbsoluteUri);
            return tab;
        }
    }

    /// <summary>A window; it fails its test when the browser has complained of anything.</summary>
    internal sealed class Tab : IAsyncDisposable
    {
        /// <summary>Where pictures of every page go, for a person to look at; none where the variable is not set.</summary>
        private static readonly string? Pictures = Environment.GetEnvironmentVariable("SCREENSHOTS");

        private readonly IBrowserContext window;

        public Tab(IBrowserContext window, IPage page, Uri ours)
        {
            (this.window, Page) = (window, page);
            page.Console += (_, message) =>
            {
                // The provider's pages are not ours to mend.
                if (message.Type is "error" or "warning" && message.Location.StartsWith(ours.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal))
                {
                    Errors.Add(message.Text);
                }
            };
            page.PageError += (_, error) => Errors.Add(error);
        }

        public IPage Page { get; }

        public List<string> Errors { get; } = [];

        /// <summary>From now on it does not load itself anew, which would meet with what the test does.</summary>
        public Task StandStillAsync() => Page.EvaluateAsync("() => { const now = Date.now(); Date.now = () => now; }");

        /// <summary>On a phone and on a desk, by day and by night: nothing may be wider than the screen.</summary>
        public async Task LookAsync(string name)
        {
            foreach (var (device, width, height) in new[] { ("phone", 390, 844), ("desk", 1280, 900) })
            {
                await Page.SetViewportSizeAsync(width, height);
                Assert.True(await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"), $"{name} is wider than a {device}");
                foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
                {
                    await Page.EmulateMediaAsync(new() { ColorScheme = scheme });
                    if (Pictures is not null)
                    {
                        await Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"{name}-{device}-{scheme}.png".ToLowerInvariant()), FullPage = true });
                    }
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await window.DisposeAsync();
            Assert.Equal([], Errors);
        }
    }
}
