using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>A year of a service app on a manual clock. Access tokens last 14 days, refresh tokens 90 days.</summary>
[Trait("Suite", "slow")]
public sealed class YearTests
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);
    private static readonly TimeSpan Step = TimeSpan.FromHours(3);

    [Fact]
    public async Task With_an_integration_a_year_passes_without_a_gap_and_without_a_login()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();

        var gaps = await LiveAsync(fixture);

        Assert.Equal(0, gaps);
        Assert.Equal(3, fixture.LevelsLeft);
        // Every 12.6 days minus jitter, and one at the start, because the file has no expiry.
        Assert.InRange(fixture.Provider.ServiceAppToken.Requests, 29, 30);
        Assert.InRange(fixture.Provider.IntegrationToken.Requests, 29, 30);
        Assert.Equal(0, fixture.Provider.ApplicationToken.Requests);
        Assert.Equal(0, fixture.Provider.Authorize.Requests);
        Assert.Equal((0, 0), (fixture.Provider.ServiceApp.Counters.ReusedRefreshTokens, fixture.Provider.Integration.Counters.ReusedRefreshTokens));
        Assert.Empty(fixture.Log.At(Microsoft.Extensions.Logging.LogLevel.Error));
    }

    [Fact]
    public async Task With_a_personal_token_of_twelve_hours_the_refresh_token_lasts_for_the_year()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(fixture.Provider.LoginPersonal()).OpenAsync();

        Assert.Equal(2, fixture.LevelsLeft);
        var gaps = await LiveAsync(fixture);

        Assert.Equal(0, gaps);
        Assert.Equal(1, fixture.LevelsLeft);
        Assert.Equal(1, fixture.Provider.ApplicationToken.Requests);
        Assert.InRange(fixture.Provider.ServiceAppToken.Requests, 28, 29);
        // One check of validity and expiry; the expiry needs no call.
        Assert.Equal((1, 1), (fixture.Provider.Me.Requests, fixture.Provider.TokenExpiry.Requests));
        Assert.Equal(0, fixture.Provider.IntegrationToken.Requests + fixture.Provider.Authorize.Requests);
        Assert.IsType<TokenState.Lost>(fixture.Personal.Snapshot.State);
    }

    [Fact]
    public async Task A_refresh_token_revoked_every_quarter_needs_no_login()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).OpenAsync();

        var quarter = fixture.Time.GetUtcNow() + Year / 4;
        var gaps = await LiveAsync(fixture, () =>
        {
            if (fixture.Time.GetUtcNow() >= quarter)
            {
                quarter += Year / 4;
                fixture.Provider.ServiceApp.RevokeAll();
            }
        });

        // Gaps by the clock only: after a revocation, the token handler renews at the first rejected request.
        Assert.Equal(0, gaps);
        // At the start, and after each quarter except the last.
        Assert.Equal(4, fixture.Provider.ApplicationToken.Requests);
        Assert.Equal(3, fixture.LevelsLeft);
        Assert.Equal(0, fixture.Provider.Authorize.Requests);
    }

    [Fact]
    public async Task A_provider_that_repeats_its_tokens_for_a_day_causes_no_loop()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.Provider.ServiceApp.RepeatsWithin = TimeSpan.FromDays(1);
        fixture.Provider.Integration.RepeatsWithin = TimeSpan.FromDays(1);
        fixture.Provider.ServiceApp.KeepsRefreshTokens = fixture.Provider.Integration.KeepsRefreshTokens = true;
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();

        Assert.Equal(0, await LiveAsync(fixture));

        Assert.InRange(fixture.Provider.ServiceAppToken.Requests, 28, 32);
        Assert.InRange(fixture.Provider.IntegrationToken.Requests, 28, 32);
    }

    [Fact]
    public async Task A_renewal_that_does_not_extend_waits_for_half_of_the_remaining_lifetime()
    {
        await using var fixture = await WebexFixture.StartAsync();
        // At the next renewal, after 12.6 days, the provider still returns the same tokens.
        fixture.Provider.ServiceApp.RepeatsWithin = fixture.Provider.Integration.RepeatsWithin = TimeSpan.FromDays(13);
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();

        Assert.Equal(0, await LiveAsync(fixture));

        Assert.InRange(fixture.Provider.ServiceAppToken.Requests, 52, 60);
        Assert.Equal(3, fixture.LevelsLeft);
    }

    /// <summary>Advances a year; returns the number of steps without a usable token.</summary>
    private static async Task<int> LiveAsync(WebexFixture fixture, Action? also = null)
    {
        var gaps = 0;
        await fixture.PassAsync(Year, Step, () =>
        {
            gaps += fixture.ServiceApp.Snapshot.State.Token?.IsUsable(fixture.Time.GetUtcNow()) == true ? 0 : 1;
            also?.Invoke();
        });
        return gaps;
    }
}
