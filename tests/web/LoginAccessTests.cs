using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Who may log in an account, and who may replace its login.</summary>
public sealed class LoginAccessTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.17.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.9", true)]
    [InlineData("::ffff:192.168.1.9", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("169.254.7.7", true)]
    [InlineData("fe80::1", true)]
    [InlineData("fe80::1%3", true)]
    [InlineData("fd12::1", true)]
    [InlineData("2001:db8::1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("203.0.113.9", false)]
    public async Task The_first_login_is_open_to_private_addresses_only(string address, bool isAllowed)
    {
        await using var bench = await WebBench.StartAsync(mayReplace: false);

        var reply = await bench.Get("/auth", (WebBench.RemoteAddress, address));

        Assert.Equal(isAllowed ? HttpStatusCode.Found : HttpStatusCode.Forbidden, reply.Status);
    }

    [Theory]
    [InlineData("Forwarded", "for=192.168.1.9")]
    [InlineData("X-Forwarded-For", "192.168.1.9")]
    [InlineData("x-forwarded-proto", "https")]
    [InlineData("X-Forwarded-Anything", "")]
    [InlineData("X-Real-IP", "192.168.1.9")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("CF-Connecting-IP", "8.8.8.8")]
    [InlineData("x-client-ip", "8.8.8.8")]
    public async Task A_forwarded_request_is_never_private(string header, string value)
    {
        await using var bench = await WebBench.StartAsync(mayReplace: false);

        var reply = await bench.Get("/auth", (header, value));

        Assert.Equal(HttpStatusCode.Forbidden, reply.Status);
        Assert.Contains("A proxy forwarded this request.", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_that_a_command_saved_just_now_is_not_replaced()
    {
        await using var bench = await WebBench.StartAsync(mayReplace: false);
        var token = bench.Sandbox.Netatmo.Login().RefreshToken;
        bench.DirectoryPath.Write("token.json", """{"access_token":"of-the-owner","refresh_token":"of-the-owner"}""");

        var reply = await bench.Submit("/auth/settoken", "settoken", ("refresh_token", token));

        Assert.NotEqual(HttpStatusCode.SeeOther, reply.Status);
        Assert.Contains("of-the-owner", bench.DirectoryPath.Read("token.json"), StringComparison.Ordinal);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_working_login_is_replaced_on_no_path_from_a_private_address()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        var before = bench.Account.TokenManager.Snapshot.State;
        // Any page's form has a valid antiforgery token, also that of an allowed browser.
        var form = await AntiforgeryAsync(bench);

        foreach (var path in new[] { "/auth?account=netatmo", "/auth/authorize", "/auth/settoken", "/auth/confirm", "/auth/renew", "/auth/logout" })
        {
            Assert.Equal("You may not log in from here", (await bench.Get(path)).Title);
        }
        foreach (var path in new[] { "/auth/settoken", "/auth/code", "/auth/device", "/auth/confirm", "/auth/renew", "/auth/logout", "/auth/cancel" })
        {
            var reply = await bench.Post(path, [.. form, ("refresh_token", "x"), ("answer", "x"), ("decision", "adopt")]);
            Assert.Equal((HttpStatusCode.Forbidden, "You may not log in from here"), (reply.Status, reply.Title));
        }
        var page = (await bench.Get("/")).Body;

        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
        Assert.Contains("Log in again", page, StringComparison.Ordinal);
        Assert.Contains("Paste a refresh token", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_login_and_a_file_that_cannot_be_read_need_the_same_permission()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, TestContext.Current.CancellationToken);
        Assert.IsType<TokenState.Lost>(bench.Account.TokenManager.Snapshot.State);
        await using var unreadable = await WebBench.StartAsync([("--token-file", "/proc/self/mem")], mayReplace: false);
        Assert.IsType<TokenState.Missing>(unreadable.Account.TokenManager.Snapshot.State);

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Get("/auth")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await unreadable.Get("/auth")).Status);
    }

    [Fact]
    public async Task A_callback_finishes_no_login_when_the_account_got_a_token_meanwhile()
    {
        await using var bench = await WebBench.StartAsync(mayReplace: false);
        var callback = await bench.ConsentAsync();
        using var owner = WebBench.NewBrowser();
        var own = await bench.ConsentAsync(browser: owner);
        Assert.Equal(HttpStatusCode.SeeOther, (await WebBench.Send(owner, new HttpRequestMessage(HttpMethod.Get, own))).Status);
        var before = bench.Account.TokenManager.Snapshot.State;

        var reply = await bench.Get(callback);

        Assert.Equal((HttpStatusCode.Forbidden, "You may not log in from here"), (reply.Status, reply.Title));
        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task A_first_device_login_that_ends_after_another_login_changes_nothing()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Code).Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [DeviceLoginTests.Car(b, provider)], mayReplace: false);
        await bench.Submit("/", "auth/device");
        var car = bench.Accounts[1].TokenManager;
        await car.AdoptAsync(new Token { AccessToken = new Secret("of-the-owner") }, TestContext.Current.CancellationToken);

        await bench.Clock.AdvanceUntilAsync(() => car.Snapshot.Login is null, TimeSpan.FromMinutes(1));

        Assert.Equal("of-the-owner", car.Snapshot.State.Token?.AccessToken?.Reveal());
        Assert.Contains("another login was faster", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.168.7.0/24", "192.168.7.9", true)]
    [InlineData("192.168.7.0/24", "::ffff:192.168.7.9", true)]
    [InlineData("192.168.7.0/24", "192.168.8.9", false)]
    [InlineData("192.168.7.0/24", "127.0.0.1", false)]
    [InlineData("fd00:1::/64", "fd00:1::9", true)]
    [InlineData("203.0.113.9/32", "203.0.113.9", true)]
    public async Task An_allowed_network_may_replace_a_login(string network, string address, bool isAllowed)
    {
        await using var bench = await WebBench.StartAsync([("--web.allow-login-from", network)], loggedIn: true, mayReplace: false);

        var reply = await bench.Get("/auth/settoken", (WebBench.RemoteAddress, address));

        Assert.Equal(isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, reply.Status);
    }

    [Fact]
    public async Task A_user_may_replace_a_login_from_anywhere()
    {
        await using var bench = await WebBench.StartAsync(
            webConfig: $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n", loggedIn: true, mayReplace: false);
        var user = ("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes("bob:right"))}");

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/auth/settoken", user, (WebBench.RemoteAddress, "203.0.113.9"))).Status);
    }

    [Theory]
    [InlineData("VerifyClientCertIfGiven", true, HttpStatusCode.OK)]
    [InlineData("VerifyClientCertIfGiven", false, HttpStatusCode.Forbidden)]
    [InlineData("RequestClientCert", true, HttpStatusCode.Forbidden)]
    public async Task Only_a_verified_client_certificate_may_replace_a_login(string type, bool hasCertificate, HttpStatusCode expected)
    {
        using var authority = new Authority();
        using var certificate = authority.Client("spiffe://home/owner");
        var (server, key) = authority.Server();
        await using var bench = await WebBench.StartAsync(
            webConfig: $"tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: {type}\n"
                + (type.StartsWith("Verify", StringComparison.Ordinal) ? "  client_ca_file: ca.pem\n" : ""),
            files: [("server.pem", server), ("server.key", key), ("ca.pem", authority.Pem)], loggedIn: true, mayReplace: false);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=server";
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => hasCertificate ? certificate : null!;
        using var browser = new HttpClient(handler);

        var reply = await WebBench.Send(browser, new HttpRequestMessage(HttpMethod.Get, new Uri(bench.Address, "/auth/settoken")));

        Assert.Equal(expected, reply.Status);
    }

    [Fact]
    public async Task The_admin_address_may_replace_a_login()
    {
        await using var bench = await WebBench.StartAsync([("--web.admin-address", "127.0.0.1:0")], loggedIn: true, mayReplace: false);

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/auth/settoken")).Status);
    }

    [Theory]
    [InlineData("192.168.1.9", "--web.allow-login-from 192.168.1.0/24")]
    [InlineData("2001:db8:1:2:3::4", "--web.allow-login-from 2001:db8:1:2::/64")]
    [InlineData("203.0.113.9", "--web.allow-login-from 203.0.113.9/32")]
    public async Task The_page_has_the_exact_commands_and_no_link(string address, string flag)
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, mayReplace: false);

        var page = (await bench.Get("/auth?account=netatmo", (WebBench.RemoteAddress, address))).Body;

        var command = $"login-link netatmo --state-folder {bench.DirectoryPath["state"]} --external-url {bench.Address.OriginalString.TrimEnd('/')}";
        string[] ways =
        [
            flag, $"<code>oauth-exporter {command}</code>", $"<code>docker exec CONTAINER /usr/bin/oauth-exporter {command}</code>",
            "--web.admin-address 127.0.0.1:9211", "--web.config.file", "basic_auth_users",
        ];
        Assert.All(ways, way => Assert.Contains(way, page, StringComparison.Ordinal));
        Assert.DoesNotContain("signature=", page, StringComparison.Ordinal);
    }

    /// <summary>The hidden fields of a form, and its cookie in this browser.</summary>
    private static async Task<IReadOnlyList<(string Name, string Value)>> AntiforgeryAsync(WebBench bench)
    {
        var link = LoginLink.Create(bench.DirectoryPath["state"], bench.Address.OriginalString.TrimEnd('/'), "netatmo", bench.Time).Value!;
        await bench.Get(link.PathAndQuery);
        var form = (await bench.Get("/auth/settoken")).Form("settoken");
        // The permission of the link ends, and the cookie of the form stays.
        bench.Clock.Advance(TimeSpan.FromMinutes(30));
        return form;
    }
}
