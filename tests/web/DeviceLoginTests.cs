using System.Net;
using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The device login: a form starts it, the page shows its code, and it finishes in the background.</summary>
public sealed class DeviceLoginTests
{
    public const string Code = """
        {"device_code":"the-device-code","user_code":"ABCD-EFGH","verification_uri":"https://provider.example/device","expires_in":300,"interval":5}
        """;
    public const string Token = """{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_in":3600}""";
    private const string Pending = """{"error":"authorization_pending"}""";

    private static readonly Uri Provider = new("https://provider.example/");

    [Fact]
    public async Task The_page_shows_the_code_until_the_login_is_finished()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Code).Expect(HttpStatusCode.BadRequest, Pending)
            .Expect(HttpStatusCode.OK, Token);
        await using var bench = await StartAsync(provider);

        Assert.Equal($"../#{Exporter.Web.AccountKey.CodeOf(bench.Accounts[1])}", (await bench.Submit("/", "auth/device")).Location);
        var page = (await bench.Get("/")).Body;
        Assert.Contains("ABCD-EFGH", page, StringComparison.Ordinal);
        Assert.Contains("https://provider.example/device?user_code=ABCD-EFGH", page, StringComparison.Ordinal);
        Assert.DoesNotContain("the-device-code", page, StringComparison.Ordinal);
        var stranger = (await bench.Get("/", (WebBench.RemoteAddress, "203.0.113.9"))).Body;
        Assert.Contains("A login is in progress.", stranger, StringComparison.Ordinal);
        Assert.DoesNotContain("ABCD-EFGH", stranger, StringComparison.Ordinal);

        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.State is TokenState.Active, TimeSpan.FromMinutes(1));
        await bench.UntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.Login is null);
        Assert.DoesNotContain("ABCD-EFGH", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_click_shows_the_same_code()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Code);
        await using var bench = await StartAsync(provider);
        var form = (await bench.Get("/")).Form("auth/device");

        await Task.WhenAll(bench.Post("/auth/device", form), bench.Post("/auth/device", form));
        await bench.Post("/auth/device", form);

        Assert.Single(provider.Calls);
    }

    [Fact]
    public async Task A_denied_login_is_reported_on_the_page_and_can_start_again()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, Code).Expect(HttpStatusCode.BadRequest, """{"error":"access_denied"}""")
            .Expect(HttpStatusCode.OK, Code);
        await using var bench = await StartAsync(provider);
        await bench.Submit("/", "auth/device");
        await bench.Clock.AdvanceUntilAsync(() => bench.Accounts[1].TokenManager.Snapshot.Login is null, TimeSpan.FromMinutes(1));

        var page = (await bench.Get("/")).Body;
        Assert.Contains("The last login failed: the login was rejected on the provider&#x27;s page.", page, StringComparison.Ordinal);

        await bench.Submit("/", "auth/device");
        Assert.DoesNotContain("The last login failed", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_that_a_logout_canceled_does_not_remove_the_next_code_from_the_page()
    {
        var started = 0;
        using var provider = new StubHttp().Otherwise((request, body) =>
            request.RequestUri!.AbsolutePath == "/device" ? StubHttp.Answer(HttpStatusCode.OK, Code
                .Replace("-code", $"-code-{++started}", StringComparison.Ordinal).Replace("EFGH", $"{started}", StringComparison.Ordinal))
            : body.Contains("the-device-code-1", StringComparison.Ordinal)
                ? StubHttp.Answer(HttpStatusCode.BadRequest, """{"error":"access_denied"}""")
            : StubHttp.Answer(HttpStatusCode.BadRequest, Pending));
        await using var bench = await StartAsync(provider);
        await bench.Submit("/", "auth/device");
        await bench.Accounts[1].TokenManager.ForgetAsync(TestContext.Current.CancellationToken);
        await bench.Submit("/", "auth/device");

        await bench.Clock.AdvanceUntilAsync(() => bench.Log.Contains("account car: the login failed", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        // The first login has ended when the second polls again.
        var polls = provider.Calls.Count + 2;
        await bench.Clock.AdvanceUntilAsync(() => provider.Calls.Count >= polls, TimeSpan.FromMinutes(1));

        Assert.Equal("ABCD-2", bench.Accounts[1].TokenManager.Snapshot.Login?.UserCode);
    }

    [Fact]
    public async Task A_provider_that_returns_no_code_is_reported_on_the_page()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.ServiceUnavailable);
        await using var bench = await StartAsync(provider);

        await bench.Submit("/", "auth/device");

        var page = (await bench.Get("/")).Body;
        Assert.Contains("The last login failed: the token endpoint is not working", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_http_and_https_addresses_become_links()
    {
        using var provider = new StubHttp()
            .Expect(HttpStatusCode.OK, Code.Replace("https://provider.example/device", "javascript:alert(1)", StringComparison.Ordinal));
        await using var bench = await StartAsync(provider);

        await bench.Submit("/", "auth/device");

        Assert.DoesNotContain("javascript:", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_GET_starts_no_device_login()
    {
        using var provider = new StubHttp();
        await using var bench = await StartAsync(provider);

        Assert.Contains("Get a code", (await bench.Get("/auth?account=car")).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await bench.Get("/auth/device?account=car")).Status);
    }

    /// <summary>An account with the device login at this provider.</summary>
    internal static Account Car(
        WebBench bench, StubHttp provider, Func<Token, CancellationToken, Task<string?>>? revoke = null)
    {
        var client = new OAuthClient("car-client", null, ClientAuthentication.None);
        var store = new FileStore(bench.DirectoryPath["car.json"], [new PlainTokenFormat()], bench.Time);
        var manager = new TokenManager(
            "car", new RefreshTokenGrant(Endpoint("token"), bench.Time), store, new TokenManagerOptions(), bench.Time,
            NullLogger<TokenManager>.Instance);
        return new Account("car", "vehicle", hasAccountLabel: true, manager, readingSource: null)
        {
            Login = new LoginMethod.Device(new DeviceCodeGrant(Endpoint("device"), Endpoint("token"), ["read"], bench.Time)),
            Revoke = revoke,
        };

        TokenEndpoint Endpoint(string path) => new(provider.Client, new Uri(Provider, path), client, bench.Time);
    }

    /// <summary>An account opened from a configuration, at the sandbox's BMW.</summary>
    internal static Account BmwCar(WebBench bench)
    {
        var (accounts, problems) = Configured.Of(new BmwCarDataSource(), $"""
            accounts:
              car:
                source: bmw-cardata
                client_id: {bench.Sandbox.Bmw.ClientId}
                token_file: car.json
                auth_url: {bench.Sandbox.Address}

            """, new Dictionary<string, string>(), bench.DirectoryPath);
        Assert.Empty(problems);
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(bench.Time) };
        return Assert.Single(accounts).Open(options, bench.Time, NullLoggerFactory.Instance);
    }

    private static Task<WebBench> StartAsync(StubHttp provider) => WebBench.StartAsync(names: ["home"], more: bench => [Car(bench, provider)]);
}
