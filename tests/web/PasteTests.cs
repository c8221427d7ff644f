using System.Net;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Tokens and codes that the user pastes.</summary>
public sealed class PasteTests
{
    [Fact]
    public async Task A_pasted_refresh_token_is_tried_and_replaces_the_old_one()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State.Token!;

        var reply = await Paste(bench, $"  {bench.Sandbox.Netatmo.Login().RefreshToken}\n");

        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location));
        Assert.NotEqual(before.RefreshToken, bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken);
        var saved = File.ReadAllText(bench.DirectoryPath["token.json"]);
        Assert.Contains(bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal(), saved, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_refresh_token_replaces_nothing()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State;

        Assert.Equal("The refresh token was rejected", (await Paste(bench, "garbage")).Title);

        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task The_accounts_current_refresh_token_is_renewed_and_not_used_twice()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);

        var reply = await Paste(bench, bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal());

        Assert.Equal(HttpStatusCode.SeeOther, reply.Status);
        var counters = bench.Sandbox.Netatmo.Authorization.Counters;
        Assert.Equal((2, 0), (counters.Rotations, counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task An_unavailable_provider_is_reported_differently_from_a_rejected_token()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal("The provider is unavailable", (await Paste(bench, "anything")).Title);
    }

    [Theory]
    [InlineData("", "The refresh token is missing")]
    [InlineData("two\nlines", "The refresh token is missing")]
    [InlineData("a\0b", "This form cannot be read")]
    public async Task Invalid_input_is_not_sent_to_the_provider(string pasted, string title)
    {
        await using var bench = await WebBench.StartAsync();

        Assert.Equal(title, (await Paste(bench, pasted)).Title);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task With_another_redirect_URI_the_code_is_pasted()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);
        var page = (await bench.Get("/auth?account=elsewhere")).Body;
        Assert.DoesNotContain("state=", page, StringComparison.Ordinal);
        var location = (await bench.Get("/auth/authorize?account=elsewhere")).Location!;
        Assert.Contains("redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback", location, StringComparison.Ordinal);
        var state = location.Split("state=")[1].Split('&')[0];

        var callback = $"http://localhost:3000/callback?code=the-code&state={state}";
        var reply = await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", callback));

        Assert.Equal(HttpStatusCode.SeeOther, reply.Status);
        Assert.Contains("code=the-code", provider.Calls[0].Body, StringComparison.Ordinal);
        Assert.IsType<TokenState.Active>(bench.Accounts[1].TokenManager.Snapshot.State);
    }

    [Theory]
    [InlineData("http://localhost:3000/callback?code=x&state=forged", "This login was not started here")]
    [InlineData("http://localhost:3000/callback?code=x", "This login was not started here")]
    [InlineData("http://localhost:3000/callback?error=access_denied&state=STATE", "The login was denied")]
    [InlineData("http://localhost:3000/callback?state=STATE", "The code is missing")]
    public async Task A_pasted_response_is_checked_like_a_callback(string pasted, string title)
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);
        var state = (await bench.Get("/auth/authorize?account=elsewhere")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", pasted.Replace("STATE", state, StringComparison.Ordinal)));

        Assert.Equal(title, reply.Title);
    }

    [Fact]
    public async Task A_code_pasted_before_a_login_started_is_not_sent()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);

        var reply = await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", "the-code"));

        Assert.Equal("This login was not started here", reply.Title);
        Assert.Empty(provider.Calls);
    }

    private static Account Elsewhere(WebBench bench, StubHttp provider) => Redirect(bench, provider, new Uri("http://localhost:3000/callback"));

    private static Task<Reply> Paste(WebBench bench, string token) => bench.Submit("/auth/settoken", "settoken", ("refresh_token", token));

    /// <summary>An account with a login by redirect.</summary>
    /// <param name="redirectUri">Null for a login that returns to the exporter.</param>
    internal static Account Redirect(WebBench bench, StubHttp provider, Uri? redirectUri)
    {
        var client = new OAuthClient("client", new Secret("secret"));
        var endpoint = new TokenEndpoint(provider.Client, new Uri("https://provider.example/token"), client, bench.Time);
        var store = new FileStore(bench.DirectoryPath["elsewhere.json"], [new PlainTokenFormat()], bench.Time);
        var manager = new TokenManager(
            "elsewhere", new RefreshTokenGrant(endpoint, bench.Time), store, new TokenManagerOptions(), bench.Time,
            NullLogger<TokenManager>.Instance);
        return new Account("elsewhere", "oauth2", hasAccountLabel: true, manager, readingSource: null)
        {
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(
                endpoint, new Uri("https://provider.example/authorize"), ["read"], redirectUri: redirectUri)),
        };
    }
}
