using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>A year of a service app on a manual clock: fourteen days of an access token, ninety of a refresh token.</summary>
[Trait("Suite", "slow")]
public sealed class YearTests
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);
    private static readonly TimeSpan Step = TimeSpan.FromHours(3);

    [Fact]
    public async Task With_an_integration_a_year_passes_without_a_gap_and_without_a_person()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();

        var gaps = await LiveAsync(bench);

        Assert.Equal(0, gaps);
        Assert.Equal(3, bench.LevelsLeft);
        // Every 12.6 days less a little jitter, and one at the start, where the file tells no end.
        Assert.InRange(bench.Provider.ServiceAppToken.Requests, 29, 30);
        Assert.InRange(bench.Provider.IntegrationToken.Requests, 29, 30);
        Assert.Equal(0, bench.Provider.ApplicationToken.Requests);
        Assert.Equal(0, bench.Provider.Authorize.Requests);
        Assert.Equal((0, 0), (bench.Provider.ServiceApp.Counters.ReusedRefreshTokens, bench.Provider.Integration.Counters.ReusedRefreshTokens));
        Assert.Empty(bench.Log.At(Microsoft.Extensions.Logging.LogLevel.Error));
    }

    [Fact]
    public async Task With_a_personal_token_of_twelve_hours_the_refresh_token_alone_carries_the_year()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(bench.Provider.LoginPersonal()).OpenAsync();

        Assert.Equal(2, bench.LevelsLeft);
        var gaps = await LiveAsync(bench);

        Assert.Equal(0, gaps);
        Assert.Equal(1, bench.LevelsLeft);
        Assert.Equal(1, bench.Provider.ApplicationToken.Requests);
        Assert.InRange(bench.Provider.ServiceAppToken.Requests, 28, 29);
        // Asked once whether it is good, and until when; its end is noticed without a call.
        Assert.Equal((1, 1), (bench.Provider.Me.Requests, bench.Provider.TokenExpiry.Requests));
        Assert.Equal(0, bench.Provider.IntegrationToken.Requests + bench.Provider.Authorize.Requests);
        Assert.IsType<TokenState.Lost>(bench.Personal.Snapshot.State);
    }

    [Fact]
    public async Task A_year_in_which_the_refresh_token_dies_every_quarter_needs_no_person_either()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).OpenAsync();

        var quarter = bench.Time.GetUtcNow() + Year / 4;
        var gaps = await LiveAsync(bench, () =>
        {
            if (bench.Time.GetUtcNow() >= quarter)
            {
                quarter += Year / 4;
                bench.Provider.ServiceApp.RevokeAll();
            }
        });

        // By the clock: a request that Webex refuses because of the revocation renews at once, by the token handler.
        Assert.Equal(0, gaps);
        // To begin with, and after each quarter but the last, whose end is the year's.
        Assert.Equal(4, bench.Provider.ApplicationToken.Requests);
        Assert.Equal(3, bench.LevelsLeft);
        Assert.Equal(0, bench.Provider.Authorize.Requests);
    }

    [Fact]
    public async Task A_year_with_a_cloud_that_repeats_its_tokens_for_a_day_is_not_a_loop()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.Provider.ServiceApp.RepeatsWithin = TimeSpan.FromDays(1);
        bench.Provider.Integration.RepeatsWithin = TimeSpan.FromDays(1);
        bench.Provider.ServiceApp.KeepsRefreshTokens = bench.Provider.Integration.KeepsRefreshTokens = true;
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();

        Assert.Equal(0, await LiveAsync(bench));

        Assert.InRange(bench.Provider.ServiceAppToken.Requests, 28, 32);
        Assert.InRange(bench.Provider.IntegrationToken.Requests, 28, 32);
    }

    [Fact]
    public async Task A_refresh_that_does_not_extend_waits_for_half_of_what_is_left()
    {
        await using var bench = await WebexBench.StartAsync();
        // At the time of a renewal, 12.6 days after the last, the provider still gives the same pair.
        bench.Provider.ServiceApp.RepeatsWithin = bench.Provider.Integration.RepeatsWithin = TimeSpan.FromDays(13);
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();

        Assert.Equal(0, await LiveAsync(bench));

        Assert.InRange(bench.Provider.ServiceAppToken.Requests, 52, 60);
        Assert.Equal(3, bench.LevelsLeft);
    }

    /// <summary>Lives through a year; how often there was no token that could be used.</summary>
    private static async Task<int> LiveAsync(WebexBench bench, Action? also = null)
    {
        var gaps = 0;
        await bench.PassAsync(Year, Step, () =>
        {
            gaps += bench.ServiceApp.Snapshot.State.Token?.IsUsable(bench.Time.GetUtcNow()) == true ? 0 : 1;
            also?.Invoke();
        });
        return gaps;
    }
}
