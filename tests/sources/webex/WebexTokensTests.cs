using Exporter.Sandbox;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The public client, which replaces the token manager's class.</summary>
public sealed class WebexTokensTests
{
    [Fact]
    public async Task IsTokenValid_checks_at_Webex_and_renews_nothing()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await using var tokens = Open(fixture.Configure().WriteEnv(fixture.Provider.LoginServiceApp()));

        Assert.IsType<TokenCheck.Valid>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation));
        fixture.Provider.ServiceApp.RevokeAll();
        Assert.IsType<TokenCheck.Invalid>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation));

        Assert.Equal(0, fixture.Provider.ServiceAppToken.Requests);
    }

    [Fact]
    public async Task A_network_failure_does_not_make_the_token_invalid()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await using var tokens = Open(fixture.Configure().WriteEnv(fixture.Provider.LoginServiceApp()));

        fixture.Provider.ListSources.Fail(new Fault.Drop(), 1);
        Assert.Equal(FailureKind.Network, Assert.IsType<TokenCheck.Unknown>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation)).Kind);
        fixture.Provider.ListSources.Fail(new Fault.TooManyRequests("7"), 1);
        var limited = Assert.IsType<TokenCheck.Unknown>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation));
        Assert.Equal((FailureKind.RateLimited, TimeSpan.FromSeconds(7)), (limited.Kind, limited.RetryAfter));
    }

    [Fact]
    public async Task A_missing_token_is_not_valid()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await using var tokens = Open(fixture.Configure());

        Assert.IsType<TokenCheck.Invalid>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation));
        Assert.Null(await tokens.GetTokenAsync(WebexFixture.Cancellation));
    }

    [Fact]
    public async Task RefreshToken_renews_and_writes_both_lines()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var issued = fixture.Provider.LoginServiceApp();
        await using var tokens = Open(fixture.Configure().WriteEnv(issued));

        var after = await tokens.RefreshTokenAsync(WebexFixture.Cancellation);

        var token = Assert.IsType<TokenState.Active>(after.State).Held;
        Assert.Equal(fixture.Env("WEBEX_SERVICE_APP_ACCESS_TOKEN"), token.AccessToken!.Reveal());
        Assert.NotEqual(issued.RefreshToken, fixture.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.Equal(token, await tokens.GetTokenAsync(WebexFixture.Cancellation));
        Assert.IsType<TokenCheck.Valid>(await tokens.IsTokenValidAsync(WebexFixture.Cancellation));
        Assert.Equal([true, false, false, true], tokens.Levels.Select(l => l.IsAvailable));
    }

    [Fact]
    public async Task RefreshToken_without_any_level_reports_what_to_do()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await using var tokens = Open(fixture.Configure().WriteEnv(fixture.Provider.LoginServiceApp()));
        fixture.Provider.ServiceApp.RevokeAll();

        var lost = Assert.IsType<TokenState.Lost>((await tokens.RefreshTokenAsync(WebexFixture.Cancellation)).State);

        Assert.Contains("there is no personal access token", lost.Reason, StringComparison.Ordinal);
    }

    private static WebexTokens Open(WebexFixture fixture) =>
        new(new WebexTokensOptions { ConfigFile = fixture.ConfigFile, EnvFile = fixture.EnvFile, Api = fixture.Api }, fixture.Time, fixture.Log);
}
