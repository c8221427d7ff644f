using System.Net;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>One-time links, which permit one browser one login of one account.</summary>
public sealed class LoginLinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_key_of_links_is_in_private_directories()
    {
        using var directory = new TemporaryDirectory();

        LoginLink.Create(directory["state/deep"], "http://localhost", "home", new ManualTime());

        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal([OwnerOnly, OwnerOnly], new[] { "state", "state/deep" }.Select(name => File.GetUnixFileMode(directory[name])));
    }

    [Fact]
    public async Task A_link_permits_one_login_in_one_browser_from_anywhere()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        var before = bench.Account.TokenManager.Snapshot.State.Token!.AccessToken;

        var opened = await bench.Get(Link(bench), (WebBench.RemoteAddress, "203.0.113.9"));
        Assert.Equal((HttpStatusCode.SeeOther, "../auth?account=netatmo"), (opened.Status, opened.Location));
        using var other = WebBench.NewBrowser();
        var elsewhere = await WebBench.Send(other, new HttpRequestMessage(HttpMethod.Get, new Uri(bench.Address, "/auth?account=netatmo")));
        var finished = await bench.Get(await bench.ConsentAsync());

        Assert.Equal(HttpStatusCode.Forbidden, elsewhere.Status);
        Assert.Equal(HttpStatusCode.SeeOther, finished.Status);
        Assert.NotEqual(before, bench.Account.TokenManager.Snapshot.State.Token!.AccessToken);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get("/auth/authorize")).Status);
    }

    [Fact]
    public async Task A_link_works_once_and_a_look_at_it_does_not_use_it()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        var link = Link(bench);

        var head = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Head, new Uri(bench.Address, link)));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, head.Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await bench.Get(link, ("Sec-Purpose", "prefetch;prerender"))).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(link)).Status);
        var again = await bench.Get(link);

        Assert.Equal((HttpStatusCode.Forbidden, "This link does not work"), (again.Status, again.Title));
        Assert.Null(again.Header("Set-Cookie"));
        Assert.DoesNotContain(link.Split("signature=")[1], again.Body + bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_and_its_permission_expire()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        var (early, late) = (Link(bench), Link(bench));
        bench.Clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(early)).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/auth/settoken")).Status);

        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get(late)).Status);
        bench.Clock.Advance(TimeSpan.FromMinutes(19));

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get("/auth/settoken")).Status);
    }

    [Theory]
    [InlineData("account=home", "account=cabin")]
    [InlineData("until=1", "until=2")]
    [InlineData("&id=", "&id=x")]
    [InlineData("&signature=", "&signature=A")]
    [InlineData("&signature=", "&signature=&signature=")]
    [InlineData("&signature=", "&signed=")]
    [InlineData("account=home", "account=home&account=home")]
    public async Task A_changed_link_is_rejected(string part, string forged)
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"], mayReplace: false);
        var link = Link(bench, "home");

        var reply = await bench.Get(link.Replace(part, forged, StringComparison.Ordinal));

        Assert.Equal((HttpStatusCode.Forbidden, "This link does not work"), (reply.Status, reply.Title));
    }

    [Fact]
    public async Task A_link_permits_no_other_account()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"], mayReplace: false);
        await bench.Get(Link(bench, "home"));

        var (home, cabin) = (("/auth/settoken?account=home"), ("/auth/settoken?account=cabin"));

        Assert.Equal(HttpStatusCode.OK, (await bench.Get(home, (WebBench.RemoteAddress, "203.0.113.9"))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get(cabin, (WebBench.RemoteAddress, "203.0.113.9"))).Status);
    }

    [Fact]
    public async Task The_cookie_of_a_link_is_hidden_from_scripts_and_other_sites()
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://example.org/weather")], mayReplace: false);
        var link = LoginLink.Create(bench.DirectoryPath["state"], "https://example.org/weather", "netatmo", bench.Time).Value!;
        Assert.StartsWith("https://example.org/weather/auth/link?account=netatmo&until=", link.AbsoluteUri, StringComparison.Ordinal);

        var cookie = (await bench.Get(link.PathAndQuery, ("Host", "example.org"))).Header("Set-Cookie")!;

        Assert.StartsWith("__Host-exporter-link-", cookie, StringComparison.Ordinal);
        string[] attributes = ["; secure", "; httponly", "; samesite=lax", "; path=/", "; max-age=1200"];
        Assert.All(attributes, attribute => Assert.Contains(attribute, cookie, StringComparison.Ordinal));
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_log_has_a_link_when_a_login_is_needed_at_the_start_and_when_one_is_lost()
    {
        await using var needed = await WebBench.StartAsync(mayReplace: false);
        await needed.UntilAsync(() => Count(needed) == 1);
        Assert.Contains($"a login is needed; open {needed.Address} in a browser and log in (from another machine, first set --external-url",
            needed.Log, StringComparison.Ordinal);
        var link = Regex.Match(needed.Log, "http://[^ ]+/auth/link[^ \"]+").Value;
        Assert.StartsWith($"{needed.Address}auth/link?account=netatmo&until=", link, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await needed.Get(link)).Status);

        await using var lost = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        Assert.Equal(0, Count(lost));
        lost.Sandbox.Netatmo.Authorization.RevokeAll();
        await lost.Account.TokenManager.RenewAsync(null, Cancellation);
        await lost.UntilAsync(() => Count(lost) == 1);
        await lost.Account.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal(1, Count(lost));

        static int Count(WebBench bench) => bench.Log.Split("a login is needed").Length - 1;
    }

    [Fact]
    public async Task Without_a_usable_state_directory_the_log_says_how_to_set_one()
    {
        await using var bench = await WebBench.StartAsync([("--state-folder", "/proc/nothing")], mayReplace: false);
        await bench.UntilAsync(() => bench.Log.Contains("a login is needed", StringComparison.Ordinal));

        Assert.Contains("set --state-folder to a directory that the exporter can write", bench.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("auth/link", bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_is_private_and_another_key_accepts_no_link()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        var link = Link(bench);
        var key = bench.DirectoryPath["state/login-link.key"];
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        Assert.Equal(32, new FileInfo(key).Length);

        foreach (var other in new[] { new byte[32], [], new byte[33] })
        {
            await File.WriteAllBytesAsync(key, other, Cancellation);
            Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get(link)).Status);
        }
        File.Delete(key);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get(link)).Status);
    }

    [Fact]
    public async Task A_device_login_ends_the_permission_of_its_link()
    {
        using var provider = new StubHttp()
            .Expect(HttpStatusCode.OK, DeviceLoginTests.Code).Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)], mayReplace: false);
        await bench.Accounts[1].TokenManager.AdoptAsync(new Token { AccessToken = new Secret("old") }, Cancellation);
        await bench.Get(Link(bench, "car"));
        await bench.Submit("/", "auth/device");
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/auth/settoken?account=car")).Status);

        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.Login is null, TimeSpan.FromMinutes(1));

        Assert.NotEqual("old", bench.Accounts[1].TokenManager.Snapshot.State.Token!.AccessToken!.Reveal());
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get("/auth/settoken?account=car")).Status);
    }

    /// <summary>The path and query of a link, as the separate command creates it.</summary>
    private static string Link(WebBench bench, string account = "netatmo") =>
        LoginLink.Create(bench.DirectoryPath["state"], "http://127.0.0.1", account, bench.Time).Value!.PathAndQuery;
}
