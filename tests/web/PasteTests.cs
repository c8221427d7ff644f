using System.Net;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Tokens and codes that a person brings.</summary>
public sealed class PasteTests
{
    [Fact]
    public async Task A_refresh_token_is_tried_and_takes_the_place_of_the_old_one()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State.Token!;

        var reply = await Paste(bench, $"  {bench.Sandbox.Netatmo.Login().RefreshToken}\n");

        Assert.Equal((HttpStatusCode.SeeOther, "../"), (reply.Status, reply.Location));
        Assert.NotEqual(before.RefreshToken, bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken);
        Assert.Contains(bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal(), File.ReadAllText(bench.DirectoryPath["token.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_the_cloud_does_not_accept_replaces_nothing()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State;

        Assert.Equal("The refresh token is not accepted", (await Paste(bench, "garbage")).Title);

        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task The_one_that_the_account_has_already_is_renewed_and_not_used_twice()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);

        Assert.Equal(HttpStatusCode.SeeOther, (await Paste(bench, bench.Account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal())).Status);

        Assert.Equal((2, 0), (bench.Sandbox.Netatmo.Authorization.Counters.Rotations, bench.Sandbox.Netatmo.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task A_cloud_in_trouble_is_told_apart_from_a_bad_token()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal("The provider is in trouble", (await Paste(bench, "anything")).Title);
    }

    [Theory]
    [InlineData("", "There is no refresh token")]
    [InlineData("two\nlines", "There is no refresh token")]
    [InlineData("a\0b", "This form cannot be read")]
    public async Task What_is_no_token_is_not_sent_anywhere(string pasted, string title)
    {
        await using var bench = await WebBench.StartAsync();

        Assert.Equal(title, (await Paste(bench, pasted)).Title);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task Where_the_redirect_URI_is_not_ours_the_code_is_pasted()
    {
        using var provider = new StubHttp().Expect(HttpStatusCode.OK, DeviceLoginTests.Token);
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);
        var page = (await bench.Get("/auth?account=elsewhere")).Body;
        Assert.DoesNotContain("state=", page, StringComparison.Ordinal);
        var begun = (await bench.Get("/auth/authorize?account=elsewhere")).Location!;
        Assert.Contains("redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback", begun, StringComparison.Ordinal);
        var state = begun.Split("state=")[1].Split('&')[0];

        var reply = await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", $"http://localhost:3000/callback?code=the-code&state={state}"));

        Assert.Equal(HttpStatusCode.SeeOther, reply.Status);
        Assert.Contains("code=the-code", provider.Calls[0].Body, StringComparison.Ordinal);
        Assert.IsType<TokenState.Active>(bench.Accounts[1].TokenManager.Snapshot.State);
    }

    [Theory]
    [InlineData("http://localhost:3000/callback?code=x&state=forged", "This login was not begun here")]
    [InlineData("http://localhost:3000/callback?code=x", "This login was not begun here")]
    [InlineData("http://localhost:3000/callback?error=access_denied&state=STATE", "The login was refused")]
    [InlineData("http://localhost:3000/callback?state=STATE", "There is no code")]
    public async Task A_pasted_answer_is_compared_like_a_callback(string answer, string title)
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);
        var state = (await bench.Get("/auth/authorize?account=elsewhere")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", answer.Replace("STATE", state, StringComparison.Ordinal)));

        Assert.Equal(title, reply.Title);
    }

    [Fact]
    public async Task A_code_that_is_pasted_before_a_login_was_begun_is_not_sent_anywhere()
    {
        using var provider = new StubHttp();
        await using var bench = await WebBench.StartAsync(names: ["home"], more: b => [Elsewhere(b, provider)]);

        Assert.Equal("This login was not begun here", (await bench.Submit("/auth?account=elsewhere", "auth/code", ("answer", "the-code"))).Title);
    }

    private static Task<Reply> Paste(WebBench bench, string token) => bench.Submit("/auth/settoken", "settoken", ("refresh_token", token));

    private static Account Elsewhere(WebBench bench, StubHttp provider)
    {
        var endpoint = new TokenEndpoint(provider.Client, new Uri("https://provider.example/token"), new OAuthClient("client", new Secret("secret")), bench.Time);
        var manager = new TokenManager("elsewhere", new RefreshTokenGrant(endpoint, bench.Time), new FileStore(bench.DirectoryPath["elsewhere.json"], [new PlainTokenFormat()], bench.Time), new TokenManagerOptions(), bench.Time, NullLogger.Instance);
        return new Account("elsewhere", "oauth2", hasAccountLabel: true, manager, readingSource: null)
        {
            Login = new LoginMethod.Redirect(new AuthorizationCodeGrant(endpoint, new Uri("https://provider.example/authorize"), ["read"], redirectUri: new Uri("http://localhost:3000/callback"))),
        };
    }
}
