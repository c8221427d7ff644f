using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>What strangers try. The table is in README.md beside this file.</summary>
public sealed class AttackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_forged_state_changes_nothing_and_no_code_is_spent()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        var state = callback.Split("state=")[1].Split('&')[0];

        foreach (var forged in new[] { callback.Replace(state, new string('A', state.Length), StringComparison.Ordinal), callback.Replace($"state={state}", "state=", StringComparison.Ordinal), $"{callback}&state={state}" })
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await bench.Get(forged)).Status);
        }

        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(callback)).Status);
    }

    [Fact]
    public async Task A_state_counts_once_even_if_its_cookie_was_kept()
    {
        await using var bench = await WebBench.StartAsync();
        var begun = await bench.Get("/auth");
        var cookie = begun.Header("Set-Cookie")!.Split(';')[0];
        var callback = await bench.ConsentAtAsync(begun.Location!);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(callback)).Status);

        using var thief = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var replayed = await WebBench.Send(thief, new HttpRequestMessage(HttpMethod.Get, callback), ("Cookie", cookie));

        Assert.Equal("This login is over", replayed.Title);
        Assert.Equal((1, 0), (bench.Sandbox.Netatmo.Token.Requests, bench.Sandbox.Netatmo.Authorization.Counters.ReusedCodes));
    }

    [Fact]
    public async Task An_attackers_own_login_is_not_finished_in_the_victims_browser()
    {
        await using var bench = await WebBench.StartAsync();
        using var attacker = WebBench.Visitor();
        var callback = await bench.ConsentAsync(browser: attacker);

        var reply = await bench.Get(callback);

        Assert.Equal("This login was not begun here", reply.Title);
        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task A_stolen_code_does_not_fit_the_login_of_another_browser()
    {
        await using var bench = await WebBench.StartAsync();
        using var victim = WebBench.Visitor();
        var stolen = (await bench.ConsentAsync(browser: victim)).Split("code=")[1].Split('&')[0];
        var state = (await bench.Get("/auth")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get($"/auth/callback?code={stolen}&state={state}");

        Assert.Equal("The code is not accepted", reply.Title);
        Assert.IsType<TokenState.Missing>(bench.Account.TokenManager.Snapshot.State);
    }

    [Theory]
    [InlineData(null, "https://evil.example")]
    [InlineData("https://provider.example", "https://evil.example")]
    [InlineData("https://provider.example", "https://provider.example/")]
    [InlineData("https://provider.example", null)]
    public async Task An_answer_of_another_sender_is_not_exchanged(string? expected, string? sent)
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [WithIssuer(b, provider, expected)]);
        var state = (await bench.Get("/auth?account=mixed")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get($"/auth/callback?code=abc&state={state}{(sent is null ? "" : $"&iss={Uri.EscapeDataString(sent)}")}");

        Assert.Equal("The answer comes from somebody else", reply.Title);
        Assert.Empty(provider.Calls);
    }

    [Fact]
    public async Task The_right_sender_is_exchanged()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [WithIssuer(b, provider, "https://provider.example")]);
        var state = (await bench.Get("/auth?account=mixed")).Location!.Split("state=")[1].Split('&')[0];

        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get($"/auth/callback?code=abc&state={state}&iss=https%3A%2F%2Fprovider.example")).Status);
    }

    [Fact]
    public async Task The_answer_to_one_account_is_not_taken_for_another()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        var home = (await bench.Get("/auth?account=home")).Header("Set-Cookie")!.Split(';')[0];
        var callback = await bench.ConsentAsync("/auth?account=home");

        using var forger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var moved = await WebBench.Send(forger, new HttpRequestMessage(HttpMethod.Get, callback), ("Cookie", home.Replace("login-0", "login-1", StringComparison.Ordinal)));

        Assert.Equal("This login was not begun here", moved.Title);
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
    [InlineData("evil.example", false)]
    [InlineData("exporter.example.org.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("evil.", false)]
    public async Task A_name_that_a_stranger_could_have_bound_to_us_shows_nothing_but_metrics_and_health(string host, bool ours)
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://exporter.example.org"), ("--web.allowed-host", "box.lan")]);

        Assert.Equal(ours ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest, (await bench.Get("/", ("Host", host))).Status);
        Assert.Equal(ours ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest, (await bench.Get("/version", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/ready", ("Host", host))).Status);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/auth/callback")]
    [InlineData("/auth/settoken")]
    [InlineData("/metrics")]
    [InlineData("/nothing")]
    public async Task No_page_can_be_framed_or_load_anything_from_elsewhere_or_tell_where_one_came_from(string path)
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get(path);

        Assert.Equal("DENY", reply.Header("X-Frame-Options"));
        var policy = reply.Header("Content-Security-Policy")!.Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Contains("form-action 'self'", policy);
        Assert.DoesNotContain(policy, p => p.Contains("unsafe", StringComparison.Ordinal) || p.Contains("http", StringComparison.Ordinal));
        Assert.Equal(("no-referrer", "nosniff", "same-origin"), (reply.Header("Referrer-Policy"), reply.Header("X-Content-Type-Options"), reply.Header("Cross-Origin-Opener-Policy")));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Origin", "https://evil.example")]
    public async Task A_form_that_another_site_sends_is_refused_even_with_a_good_token_in_it(string header, string value)
    {
        await using var bench = await WebBench.StartAsync();
        var form = (await bench.Get("/auth/settoken")).Form("settoken").Append(("refresh_token", bench.Sandbox.Netatmo.Login().RefreshToken)).ToList();

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post("/auth/settoken", form, (header, value))).Status);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Post("/auth/settoken", form, ("Origin", "null"), ("Sec-Fetch-Site", "same-origin"))).Status);
    }

    [Theory]
    [InlineData("/auth/settoken")]
    [InlineData("/auth/device")]
    [InlineData("/auth/code")]
    public async Task A_form_without_its_token_or_with_that_of_another_browser_is_refused(string path)
    {
        await using var bench = await WebBench.StartAsync();
        using var other = WebBench.Visitor();
        var theirs = (await WebBench.Send(other, new HttpRequestMessage(HttpMethod.Get, new Uri(bench.Address, "/auth/settoken")))).Form("settoken");
        await bench.Get("/auth/settoken");

        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post(path, [("refresh_token", "x"), ("answer", "x")])).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bench.Post(path, [.. theirs, ("refresh_token", "x"), ("answer", "x")])).Status);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_form_from_before_a_restart_changes_nothing_and_says_to_reload_the_page()
    {
        await using var before = await WebBench.StartAsync();
        var page = await before.Get("/auth/settoken");
        await using var after = await WebBench.StartAsync();
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var cookie = ("Cookie", page.Header("Set-Cookie")!.Split(';')[0]);
        Task<Reply> Send(HttpMethod method, IEnumerable<(string Name, string Value)>? form) => WebBench.Send(browser, new HttpRequestMessage(method, new Uri(after.Address, "/auth/settoken"))
        {
            Content = form is null ? null : new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
        }, cookie);

        var refused = await Send(HttpMethod.Post, [.. page.Form("settoken"), ("refresh_token", "x")]);
        var reloaded = await Send(HttpMethod.Get, null);

        Assert.Equal((HttpStatusCode.Forbidden, "This form is not ours"), (refused.Status, refused.Title));
        Assert.Contains("reload this page", refused.Body, StringComparison.Ordinal);
        Assert.Equal(0, after.Sandbox.Netatmo.Token.Requests);
        Assert.NotNull(reloaded.Header("Set-Cookie"));
    }

    [Theory]
    [InlineData("https://exporter.example.org", "exporter.example.org:443", true)]
    [InlineData("https://exporter.example.org", "nas:9210", false)]
    [InlineData("http://exporter.example.org", "exporter.example.org", false)]
    public async Task The_cookie_of_a_form_is_kept_from_scripts_and_other_sites_and_bound_to_HTTPS_where_the_browser_has_it(string external, string host, bool secure)
    {
        await using var bench = await WebBench.StartAsync([("--external-url", external)]);

        var cookie = (await bench.Get("/auth/settoken", ("Host", host))).Header("Set-Cookie")!;

        Assert.All(["exporter-form=", "; httponly", "; samesite=strict", "; path=/"], part => Assert.Contains(part, cookie, StringComparison.Ordinal));
        Assert.Equal(secure, cookie.Contains("; secure", StringComparison.Ordinal));
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/auth/settoken?refresh_token=x&account=netatmo")]
    [InlineData("/auth/code?answer=x")]
    [InlineData("/auth/device")]
    public async Task No_GET_changes_a_token(string path)
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var (before, requests) = (bench.Account.TokenManager.Snapshot.State, bench.Sandbox.Netatmo.Token.Requests);

        await bench.Get(path);

        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
        Assert.Equal(requests, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task What_comes_from_outside_makes_no_header_and_no_line_in_the_log()
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
    public async Task Requests_that_never_end_do_not_keep_others_waiting_and_get_fifteen_seconds()
    {
        await using var bench = await WebBench.StartAsync();
        var slow = new List<TcpClient>();
        for (var i = 0; i < 50; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, bench.Address.Port, Cancellation);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: " : "POST /auth/settoken HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na"), Cancellation);
            slow.Add(client);
        }

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics")).Status);

        slow.ForEach(client => client.Dispose());
        var limits = bench.App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.Equal((TimeSpan.FromSeconds(15), 1000L), (limits.RequestHeadersTimeout, limits.MaxConcurrentConnections));
        Assert.Equal((240.0, TimeSpan.FromSeconds(5)), (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_not_read()
    {
        await using var bench = await WebBench.StartAsync();
        var form = (await bench.Get("/auth/settoken")).Form("settoken");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await bench.Post("/auth/settoken", [.. form, ("refresh_token", new string('x', 20_000))])).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await bench.Post("/auth/settoken", [.. form, ("refresh_token", new string('x', 9_000))])).Status);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Theory]
    [InlineData("application/json", "{\"refresh_token\":\"x\"}")]
    [InlineData("text/plain", "refresh_token=x")]
    public async Task A_form_of_another_type_is_refused(string type, string body)
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Post, new Uri(bench.Address, "/auth/settoken")) { Content = new StringContent(body, Encoding.UTF8, type) });

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, reply.Status);
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
            var begun = await bench.Get("/auth");
            secrets.Add(begun.Location!.Split("state=")[1].Split('&')[0]);
            var callback = await bench.ConsentAtAsync(begun.Location!, decision);
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
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Respond(400, $$"""{"error":"invalid_grant","error_description":"bad token {{pasted}}"}"""), 1);
        pages.Append((await bench.Submit("/auth/settoken", "settoken", ("refresh_token", pasted))).Body);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);
        foreach (var path in new[] { "/", "/metrics", "/debug/token", "/debug/data", "/version", "/auth/settoken", "/auth/callback", "/nothing" })
        {
            pages.Append((await bench.Get(path)).Body);
        }

        Assert.Equal(9, secrets.Distinct().Count());
        Assert.Contains("netatmo", bench.Log, StringComparison.Ordinal);
        Assert.Contains("The refresh token is not accepted", pages.ToString(), StringComparison.Ordinal);
        Assert.All(secrets, secret =>
        {
            Assert.DoesNotContain(secret, pages.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, bench.Log, StringComparison.Ordinal);
        });

        void Collect() => secrets.AddRange([bench.Account.TokenManager.Snapshot.State.Token!.AccessToken!.Reveal(), bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal()]);
    }

    [Fact]
    public async Task Nothing_but_GET_and_HEAD_is_answered_where_nothing_is_changed()
    {
        await using var bench = await WebBench.StartAsync();

        foreach (var path in new[] { "/", "/metrics", "/-/healthy", "/version", "/auth", "/auth/callback", "/assets/exporter.css" })
        {
            var reply = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Delete, new Uri(bench.Address, path)));
            Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (reply.Status, reply.Header("Allow")));
            var head = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Head, new Uri(bench.Address, path)));
            Assert.Equal("", head.Body);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/healthz")).Status);
        Assert.Equal("404 Not Found\n", (await bench.Get("/favicon.ico")).Body);
    }

    /// <summary>An account whose provider names itself in its answers (RFC 9207).</summary>
    private static Account WithIssuer(WebBench bench, StubHttp provider, string? issuer)
    {
        var endpoint = new TokenEndpoint(provider.Client, new Uri("https://provider.example/token"), new OAuthClient("client", new Secret("secret")), bench.Time);
        var manager = new TokenManager("mixed", new RefreshTokenGrant(endpoint, bench.Time), new FileStore(bench.DirectoryPath["mixed.json"], [new PlainTokenFormat()], bench.Time), new TokenManagerOptions(), bench.Time,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        return new Account("mixed", "oauth2", hasAccountLabel: true, manager, readingSource: null)
        {
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(endpoint, new Uri("https://provider.example/authorize"), ["read"], issuer: issuer)),
        };
    }
}
