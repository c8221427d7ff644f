using Exporter.Sandbox;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The public client: the token manager's class in C#.</summary>
public sealed class WebexTokensTests
{
    [Fact]
    public async Task Is_token_valid_asks_Webex_and_renews_nothing()
    {
        await using var bench = await WebexBench.StartAsync();
        await using var tokens = Open(bench.Configure().WriteEnv(bench.Provider.LoginServiceApp()));

        Assert.IsType<TokenCheck.Good>(await tokens.IsTokenValidAsync(WebexBench.Cancellation));
        bench.Provider.ServiceApp.RevokeAll();
        Assert.IsType<TokenCheck.Bad>(await tokens.IsTokenValidAsync(WebexBench.Cancellation));

        Assert.Equal(0, bench.Provider.ServiceAppToken.Requests);
    }

    [Fact]
    public async Task A_network_that_fails_is_no_invalid_token()
    {
        await using var bench = await WebexBench.StartAsync();
        await using var tokens = Open(bench.Configure().WriteEnv(bench.Provider.LoginServiceApp()));

        bench.Provider.ListSources.Fail(new Fault.Drop(), 1);
        Assert.Equal(FailureKind.Network, Assert.IsType<TokenCheck.Unknown>(await tokens.IsTokenValidAsync(WebexBench.Cancellation)).Kind);
        bench.Provider.ListSources.Fail(new Fault.TooManyRequests("7"), 1);
        var limited = Assert.IsType<TokenCheck.Unknown>(await tokens.IsTokenValidAsync(WebexBench.Cancellation));
        Assert.Equal((FailureKind.RateLimited, TimeSpan.FromSeconds(7)), (limited.Kind, limited.RetryAfter));
    }

    [Fact]
    public async Task Without_a_token_it_is_not_valid()
    {
        await using var bench = await WebexBench.StartAsync();
        await using var tokens = Open(bench.Configure());

        Assert.IsType<TokenCheck.Bad>(await tokens.IsTokenValidAsync(WebexBench.Cancellation));
        Assert.Null(await tokens.GetTokenAsync(WebexBench.Cancellation));
    }

    [Fact]
    public async Task Refresh_token_renews_and_writes_both_lines()
    {
        await using var bench = await WebexBench.StartAsync();
        var issued = bench.Provider.LoginServiceApp();
        await using var tokens = Open(bench.Configure().WriteEnv(issued));

        var after = await tokens.RefreshTokenAsync(WebexBench.Cancellation);

        var token = Assert.IsType<TokenState.Active>(after.State).Held;
        Assert.Equal(bench.Env("WEBEX_SERVICE_APP_ACCESS_TOKEN"), token.AccessToken!.Reveal());
        Assert.NotEqual(issued.RefreshToken, bench.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.Equal(token, await tokens.GetTokenAsync(WebexBench.Cancellation));
        Assert.IsType<TokenCheck.Good>(await tokens.IsTokenValidAsync(WebexBench.Cancellation));
        Assert.Equal([true, false, false, true], tokens.Levels.Select(l => l.IsAvailable));
    }

    [Fact]
    public async Task Refresh_token_with_everything_dead_says_what_a_person_has_to_do()
    {
        await using var bench = await WebexBench.StartAsync();
        await using var tokens = Open(bench.Configure().WriteEnv(bench.Provider.LoginServiceApp()));
        bench.Provider.ServiceApp.RevokeAll();

        var lost = Assert.IsType<TokenState.Lost>((await tokens.RefreshTokenAsync(WebexBench.Cancellation)).State);

        Assert.Contains("there is no personal access token", lost.Reason, StringComparison.Ordinal);
    }

    private static WebexTokens Open(WebexBench bench) =>
        new(new WebexTokensOptions { ConfigFile = bench.ConfigFile, EnvFile = bench.EnvFile, Api = bench.Api }, bench.Time, bench.Log);
}
