using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Attacks against the web server. README.md in this directory has a table of them.</summary>
public sealed class AttackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_forged_state_changes_nothing_and_uses_no_code()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        var state = callback.Split("state=")[1].Split('&')[0];

        string[] forgeries =
        [
            callback.Replace(state, new string('A', state.Length), StringComparison.Ordinal),
            callback.Replace($"state={state}", "state=", StringComparison.Ordinal),
            $"{callback}&state={state}",
        ];
        foreach (var forged in forgeries)
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await bench.Get(forged)).Status);
        }

        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(callback)).Status);
    }

    [Fact]
    public async Task A_state_can_be_used_once_even_if_its_cookie_is_kept()
    {
        await using var bench = await WebBench.StartAsync();
        var start = await bench.Get("/auth");
        var cookie = start.Header("Set-Cookie")!.Split(';')[0];
        var callback = await bench.ConsentAtAsync(start.Location!);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(callback)).Status);

        using var thief = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var other = callback.Replace("code=", "code=0", StringComparison.Ordinal);
        var replayed = await WebBench.Send(thief, new HttpRequestMessage(HttpMethod.Get, other), ("Cookie", cookie));
        var repeated = await WebBench.Send(thief, new HttpRequestMessage(HttpMethod.Get, callback), ("Cookie", cookie));

        Assert.Equal("This login is already finished", replayed.Title);
        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (repeated.Status, repeated.Location));
        Assert.Equal((1, 0), (bench.Sandbox.Netatmo.Token.Requests, bench.Sandbox.Netatmo.Authorization.Counters.ReusedCodes));
    }

    [Fact]
    public async Task An_attackers_own_login_is_not_finished_in_the_victims_browser()
    {
        await using var bench = await WebBench.StartAsync();
        using var attacker = WebBench.NewBrowser();
        var callback = await bench.ConsentAsync(browser: attacker);

        var reply = await bench.Get(callback);

        Assert.Equal("This login was not started here", reply.Title);
        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task A_stolen_code_does_not_work_in_the_login_of_another_browser()
    {
        await using var bench = await WebBench.StartAsync();
        using var victim = WebBench.NewBrowser();
        var stolen = (await bench.ConsentAsync(browser: victim)).Split("code=")[1].Split('&')[0];
        var state = (await bench.Get("/auth")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get($"/auth/callback?code={stolen}&state={state}");

        Assert.Equal("The code was rejected", reply.Title);
        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
    }

    [Theory]
    [InlineData("https://provider.example", "https://evil.example")]
    [InlineData("https://provider.example", "https://provider.example/")]
    [InlineData("https://provider.example", null)]
    public async Task The_code_of_another_issuer_is_not_exchanged(string expected, string? sent)
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [WithIssuer(b, provider, expected)]);
        var state = (await bench.Get("/auth?account=mixed")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get($"/auth/callback?code=abc&state={state}{(sent is null ? "" : $"&iss={Uri.EscapeDataString(sent)}")}");

        Assert.Equal("The response came from another server", reply.Title);
        Assert.Contains(sent ?? "contains no issuer", reply.Body, StringComparison.Ordinal);
        Assert.Contains(sent ?? "contains no issuer", bench.Log, StringComparison.Ordinal);
        Assert.Empty(provider.Calls);
    }

    [Theory]
    [InlineData("https://provider.example")]
    [InlineData(null)]
    public async Task The_code_of_the_right_issuer_is_exchanged_and_of_any_without_a_configured_one(string? expected)
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [WithIssuer(b, provider, expected)]);
        var state = (await bench.Get("/auth?account=mixed")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get($"/auth/callback?code=abc&state={state}&iss=https%3A%2F%2Fprovider.example");

        Assert.Equal(HttpStatusCode.SeeOther, reply.Status);
    }

    [Fact]
    public async Task The_response_for_one_account_is_not_accepted_for_another()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        var home = (await bench.Get("/auth?account=home")).Header("Set-Cookie")!.Split(';')[0];
        var callback = await bench.ConsentAsync("/auth?account=home");

        using var forger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var cookie = home.Replace("login-0", "login-1", StringComparison.Ordinal);
        var moved = await WebBench.Send(forger, new HttpRequestMessage(HttpMethod.Get, callback), ("Cookie", cookie));

        Assert.Equal("This login was not started here", moved.Title);
        Assert.All(bench.Accounts, a => Assert.IsType<TokenState.Missing>(a.TokenManager.Snapshot.State));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:9210", true)]
    [InlineData("192.168.1.9:80", true)]
    [InlineData("nas:9210", true)]
    [InlineData("localhost", true)]
    [InlineData("exporter.example.org", true)]
    [InlineData("EXPORTER.example.org:443", true)]
    [InlineData("box.lan", true)]
    [InlineData("raspberrypi.local:9210", true)]
    [InlineData("nas.home.arpa", true)]
    [InlineData("evil.example", false)]
    [InlineData("evil.local.example", false)]
    [InlineData("evillocal.example", false)]
    [InlineData("exporter.example.org.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("evil.", false)]
    public async Task An_unknown_host_name_gets_only_the_paths_for_programs(string host, bool isAllowed)
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://exporter.example.org"), ("--web.allowed-host", "box.lan")]);

        var expected = isAllowed ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest;
        Assert.Equal(expected, (await bench.Get("/", ("Host", host))).Status);
        Assert.Equal(expected, (await bench.Get("/version", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/ready", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/api/status", ("Host", host))).Status);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/auth/callback")]
    [InlineData("/auth/settoken")]
    [InlineData("/metrics")]
    [InlineData("/nothing")]
    public async Task No_page_can_be_framed_load_from_other_sites_or_leak_a_referrer(string path)
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get(path);

        Assert.Equal("DENY", reply.Header("X-Frame-Options"));
        var policy = reply.Header("Content-Security-Policy")!.Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Contains("form-action 'self'", policy);
        Assert.Contains("connect-src 'self'", policy);
        Assert.DoesNotContain(policy, p => p.Contains("unsafe", StringComparison.Ordinal) || p.Contains("http", StringComparison.Ordinal));
        Assert.Equal("no-referrer", reply.Header("Referrer-Policy"));
        Assert.Equal("nosniff", reply.Header("X-Content-Type-Options"));
        Assert.Equal("same-origin", reply.Header("Cross-Origin-Opener-Policy"));
    }

    [Theory]
    [InlineData("/auth/settoken?refresh_token=x&account=netatmo")]
    [InlineData("/auth/code?answer=x")]
    [InlineData("/auth/device")]
    [InlineData("/auth/renew?account=netatmo")]
    [InlineData("/auth/logout?account=netatmo")]
    [InlineData("/auth/cancel?account=netatmo")]
    public async Task No_GET_changes_a_token(string path)
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var (before, requests) = (bench.Account.TokenManager.Snapshot.State, bench.Sandbox.Netatmo.Token.Requests);

        await bench.Get(path);

        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
        Assert.Equal(requests, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task Input_creates_no_header_and_no_log_line()
    {
        await using var bench = await WebBench.StartAsync();
        var state = (await bench.Get("/auth")).Location!.Split("state=")[1].Split('&')[0];

        var replies = new[]
        {
            await bench.Get("/auth?account=a%0D%0ASet-Cookie:%20x=y"),
            await bench.Get($"/auth/callback?state={state}&error=a%0D%0Alevel%3Derror%20msg%3Dforged"),
            await bench.Get("/%0D%0ALocation:%20https://evil.example"),
            await bench.Post("/auth/settoken", [("account", "x\r\nlevel=error msg=forged")]),
        };

        Assert.All(replies, r => Assert.Null(r.Header("Location")));
        Assert.DoesNotContain(replies, r => r.Header("Set-Cookie")?.Contains("x=y", StringComparison.Ordinal) == true);
        Assert.DoesNotContain(bench.Log.Split('\n'), line => line.StartsWith("level=error msg=forged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Endless_requests_do_not_block_others_and_get_fifteen_seconds()
    {
        await using var bench = await WebBench.StartAsync();
        var slow = new List<TcpClient>();
        for (var i = 0; i < 50; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, bench.Address.Port, Cancellation);
            var request = i % 2 == 0
                ? "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: "
                : "POST /auth/settoken HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
            slow.Add(client);
        }

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics")).Status);

        slow.ForEach(client => client.Dispose());
        var limits = bench.App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.Equal(TimeSpan.FromSeconds(15), limits.RequestHeadersTimeout);
        Assert.Equal((240.0, TimeSpan.FromSeconds(5)), (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
    }

    [Fact]
    public async Task No_token_code_secret_verifier_or_state_is_in_any_page_log_line_or_metric()
    {
        await using var bench = await WebBench.StartAsync([("--debug-handlers", "true")]);
        bench.Run();
        var secrets = new List<string> { bench.Sandbox.Netatmo.ClientSecret };
        var pages = new StringBuilder();

        foreach (var decision in new[] { "refuse", "accept" })
        {
            var start = await bench.Get("/auth");
            secrets.Add(start.Location!.Split("state=")[1].Split('&')[0]);
            var callback = await bench.ConsentAtAsync(start.Location!, decision);
            pages.Append((await bench.Get(callback)).Body);
            if (decision == "accept")
            {
                secrets.Add(callback.Split("code=")[1].Split('&')[0]);
                pages.Append((await bench.Get(callback)).Body);
            }
        }
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        Collect();
        var pasted = bench.Sandbox.Netatmo.Login().RefreshToken;
        secrets.Add(pasted);
        await bench.Submit("/auth/settoken", "settoken", ("refresh_token", pasted));
        Collect();
        pages.Append((await bench.Submit("/auth/settoken", "settoken", ("refresh_token", pasted))).Body);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        bench.Sandbox.Netatmo.Token.Fail(
            new Fault.Respond(400, $$"""{"error":"invalid_grant","error_description":"bad token {{pasted}}"}"""), 1);
        pages.Append((await bench.Submit("/auth/settoken", "settoken", ("refresh_token", pasted))).Body);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal("no-store", (await bench.Get("/debug/token")).Header("Cache-Control"));
        Assert.Equal("no-store", (await bench.Get("/debug/data")).Header("Cache-Control"));
        foreach (var path in new[] { "/", "/metrics", "/debug/token", "/debug/data", "/version", "/api/status", "/auth/settoken", "/auth/callback", "/nothing" })
        {
            pages.Append((await bench.Get(path)).Body);
        }

        Assert.Equal(9, secrets.Distinct().Count());
        Assert.Contains("netatmo", bench.Log, StringComparison.Ordinal);
        Assert.Contains("The refresh token was rejected", pages.ToString(), StringComparison.Ordinal);
        Assert.All(secrets, secret =>
        {
            Assert.DoesNotContain(secret, pages.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, bench.Log, StringComparison.Ordinal);
        });

        void Collect()
        {
            var token = bench.Account.TokenManager.Snapshot.State.Token!;
            secrets.AddRange([token.AccessToken!.Reveal(), token.RefreshToken!.Reveal()]);
        }
    }

    [Fact]
    public async Task Endpoints_that_change_nothing_accept_only_GET_and_HEAD()
    {
        await using var bench = await WebBench.StartAsync();

        foreach (var path in new[] { "/", "/metrics", "/-/healthy", "/healthz", "/api/status", "/version", "/auth", "/auth/callback", "/assets/exporter.css" })
        {
            var reply = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Delete, new Uri(bench.Address, path)));
            Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (reply.Status, reply.Header("Allow")));
            var head = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Head, new Uri(bench.Address, path)));
            Assert.Equal("", head.Body);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/nothing")).Status);
        Assert.Equal("404 Not Found\n", (await bench.Get("/favicon.ico")).Body);
    }

    /// <summary>An account whose provider identifies itself in its responses (RFC 9207).</summary>
    private static Account WithIssuer(WebBench bench, StubHttp provider, string? issuer)
    {
        var client = new OAuthClient("client", new Secret("secret"));
        var endpoint = new TokenEndpoint(provider.Client, new Uri("https://provider.example/token"), client, bench.Time);
        var store = new FileStore(bench.DirectoryPath["mixed.json"], [new PlainTokenFormat()], bench.Time);
        var manager = new TokenManager(
            "mixed", new RefreshTokenGrant(endpoint, bench.Time), store, new TokenManagerOptions(), bench.Time, NullLogger<TokenManager>.Instance);
        return new Account("mixed", "oauth2", hasAccountLabel: true, manager, readingSource: null)
        {
            Login = new LoginMethod.Redirect(
                new AuthorizationCodeGrant(endpoint, new Uri("https://provider.example/authorize"), ["read"], issuer: issuer)),
        };
    }
}
