using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Exporter.Tests.Support;
using Microsoft.Playwright;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>One browser for all tests, with a window for each test.</summary>
public sealed class Chromium : IAsyncLifetime
{
    /// <summary>The last four keep Chromium from contacting Google's servers at every start.</summary>
    private static readonly string[] Flags =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

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

    internal async Task<Tab> OpenAsync(Uri address, bool scripts = true, string? zone = null)
    {
        var window = await browser!.NewContextAsync(new() { JavaScriptEnabled = scripts, TimezoneId = zone });
        var tab = new Tab(window, await window.NewPageAsync(), address);
        tab.Page.SetDefaultTimeout(60_000);
        await tab.Page.GotoAsync(address.AbsoluteUri);
        return tab;
    }
}

/// <summary>A window. It fails its test if the browser reports a warning or an error, or axe a violation.</summary>
internal sealed class Tab : IAsyncDisposable
{
    /// <summary>The directory for pictures of every page; null if the variable is not set.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("SCREENSHOTS");

    /// <summary>Every rule for WCAG 2.2 AA, and axe's best practices.</summary>
    private static readonly AxeRunOptions Wcag = new()
    {
        RunOnly = new RunOnlyOptions
        {
            Type = "tag",
            Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
        },
    };

    private readonly IBrowserContext window;

    public Tab(IBrowserContext window, IPage page, Uri exporter)
    {
        (this.window, Page) = (window, page);
        page.Console += (_, message) =>
        {
            // Only the exporter's pages count, not the provider's.
            if (message.Type is "error" or "warning"
                && message.Location.StartsWith(exporter.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal))
            {
                Errors.Add(message.Text);
            }
        };
        page.PageError += (_, error) => Errors.Add(error);
    }

    public IPage Page { get; }

    public List<string> Errors { get; } = [];

    /// <summary>Checks, on a phone and a desktop, light and dark, that nothing is wider than the screen and that axe finds no violation of
    /// WCAG 2.2 AA. Takes pictures if the variable is set.</summary>
    public async Task CaptureAsync(string name)
    {
        foreach (var (device, width, height) in new[] { ("phone", 390, 844), ("desktop", 1280, 900) })
        {
            await Page.SetViewportSizeAsync(width, height);
            var fits = await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth");
            Assert.True(fits, $"{name} is wider than a {device}");
            foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await Page.EmulateMediaAsync(new() { ColorScheme = scheme });
                if (Pictures is not null)
                {
                    var path = Path.Combine(Pictures, $"{name}-{device}-{scheme}.png".ToLowerInvariant());
                    await Page.ScreenshotAsync(new() { Path = path, FullPage = true });
                }
                // Colors depend on the scheme only, and sizes on the device only.
                if ((device == "phone") != (scheme == ColorScheme.Light))
                {
                    continue;
                }
                Errors.AddRange((await Page.RunAxe(Wcag)).Violations.SelectMany(violation => violation.Nodes, (violation, node) =>
                    $"{name}, {device}, {scheme}: {violation.Help}: {node.Html} {string.Join(' ', node.Any.Select(check => check.Message))}"));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await window.DisposeAsync();
        Assert.Equal([], Errors);
    }
}
