using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>
/// The pages and states that <see cref="BrowserTests"/> does not capture: axe finds no violation in a real browser, and nothing is wider than a phone.
/// </summary>
[Trait("Suite", "slow")]
public sealed class AccessibilityTests(Chromium chromium) : IClassFixture<Chromium>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rejected_credentials()
    {
        await using var bench = await WebBench.StartAsync([("--client-secret", "wrong")], loggedIn: true);

        await CaptureAsync(bench, "/", "Credentials rejected", "refused");
    }

    [Fact]
    public async Task A_failed_renewal()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);

        await CaptureAsync(bench, "/", "Renewal failed", "failing");
    }

    [Fact]
    public async Task A_failed_reading()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.StationsData.Fail(new Fault.Refuse("13"));
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Failure is not null);

        await CaptureAsync(bench, "/", "Access not granted", "not-granted");
    }

    [Fact]
    public async Task A_login_that_is_not_permitted()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);

        await CaptureAsync(bench, "/auth?account=netatmo", "You may not log in from here", "not-permitted");
    }

    [Fact]
    public async Task The_pages_of_logins()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Token.Replace("{", "{\"gcid\":\"new\",", StringComparison.Ordinal));
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b =>
            [DeviceLoginTests.Car(b, provider), PasteTests.Redirect(b, provider, new Uri("http://localhost:1/other"))]);
        var members = JsonMembers.Empty.With("gcid", "old");
        await bench.Accounts[1].TokenManager.AdoptAsync(new Token { AccessToken = new Secret("old"), Members = members }, Cancellation);
        await bench.Submit("/auth/settoken?account=car", "settoken", ("refresh_token", "pasted"));

        await CaptureAsync(bench, "/", "Confirm or drop it", "other-person");
        await CaptureAsync(bench, "/auth/confirm?account=car", "Is this the right person?", "confirm");
        await CaptureAsync(bench, "/auth?account=car", "Get a code", "device-form");
        await CaptureAsync(bench, "/auth?account=elsewhere", "Paste the address here", "code-form");
        await CaptureAsync(bench, "/auth/link", "This link does not work", "link");
        await CaptureAsync(bench, "/plots?account=home", "There are no readings to plot yet.", "no-plots");
        await CaptureAsync(bench, "/plots?account=other", "Unknown account", "unknown");
    }

    private async Task CaptureAsync(WebBench bench, string path, string text, string name)
    {
        await using var tab = await chromium.OpenAsync(new Uri(bench.Address, path));
        await tab.Page.GetByText(text).First.WaitForAsync();
        await tab.CaptureAsync(name);
        // The browser reports the status of a page that says what went wrong.
        tab.Errors.RemoveAll(error => error.Contains("the server responded with a status of 40", StringComparison.Ordinal));
    }
}
