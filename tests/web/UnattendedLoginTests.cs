using System.Net;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Accounts without a user on the page, and logins that need the server's metadata.</summary>
public sealed class UnattendedLoginTests
{
    private const string Explanation = "The exporter logs in with the client ID and the client secret.";

    [Fact]
    public async Task An_account_without_a_user_has_no_login_button_and_says_how_it_logs_in()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Unattended(b, provider)]);

        var page = (await bench.Get("/")).Body;

        Assert.Contains($"<div><dt>Login</dt><dd>{Explanation}</dd></div>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("auth?account=machine", page, StringComparison.Ordinal);
        Assert.DoesNotContain("settoken?account=machine", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/auth?account=machine")]
    [InlineData("/auth/authorize?account=machine")]
    public async Task Its_login_address_explains_that_no_login_is_needed(string address)
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Unattended(b, provider)]);

        var reply = await bench.Get(address);

        Assert.Equal((HttpStatusCode.OK, "No login is needed"), (reply.Status, reply.Title));
        Assert.Contains(Explanation, reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_whose_metadata_cannot_be_read_shows_the_reason_and_works_later()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.ServiceUnavailable).Expect(
            HttpStatusCode.OK, """{"issuer":"https://id.example","authorization_endpoint":"https://id.example/login"}""");
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Account(b, provider, Discovered(b, provider))]);

        var failed = await bench.Get("/auth/authorize?account=machine");
        var started = await bench.Get("/auth/authorize?account=machine");

        Assert.Equal((HttpStatusCode.BadGateway, "The provider is unavailable"), (failed.Status, failed.Title));
        Assert.Contains("https://id.example/.well-known/openid-configuration returns HTTP 503", failed.Body, StringComparison.Ordinal);
        Assert.StartsWith("https://id.example/login?response_type=code&", started.Location, StringComparison.Ordinal);
    }

    private static Account Unattended(WebBench bench, StubHttp provider) => Account(bench, provider, new LoginMethod.Unattended(Explanation));

    private static LoginMethod.Redirect Discovered(WebBench bench, StubHttp provider)
    {
        var metadata = new ServerMetadata(provider.Client, new Uri("https://id.example"), bench.Time);
        return new LoginMethod.Redirect(
            new AuthorizationCodeGrant(Endpoint(bench, provider), metadata.Endpoint("authorization_endpoint"), ["read"]) { Metadata = metadata });
    }

    private static TokenEndpoint Endpoint(WebBench bench, StubHttp provider) =>
        new(provider.Client, new Uri("https://id.example/token"), new OAuthClient("client", new Secret("secret")), bench.Time);

    private static Account Account(WebBench bench, StubHttp provider, LoginMethod login)
    {
        IGrant grant = login is LoginMethod.Unattended
            ? new ClientCredentialsGrant(Endpoint(bench, provider), ["read"])
            : new RefreshTokenGrant(Endpoint(bench, provider), bench.Time);
        var manager = new TokenManager(
            "machine", grant, new MemoryStore(), new TokenManagerOptions(), bench.Time, NullLogger<TokenManager>.Instance);
        return new Account("machine", "oauth2", hasAccountLabel: true, manager, readingSource: null) { Login = login };
    }
}
