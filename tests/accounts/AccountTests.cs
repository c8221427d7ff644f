using Exporter.Accounts;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>An account whose token is obtained with another token.</summary>
public sealed class AccountTests
{
    private static readonly Renewal Rejected = new Renewal.InvalidGrant("the refresh token is rejected");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upstream_login_during_a_renewal_that_fails_causes_another_renewal()
    {
        using var upstream = await new TokenManagerBench().Loaded();
        using var own = await new TokenManagerBench().Loaded();
        using var stop = new CancellationTokenSource();
        var account = new Account("home", "x", hasAccountLabel: true, own.TokenManager, readingSource: null) { Upstream = [upstream.TokenManager] };
        var running = account.RunAsync(stop.Token);
        own.Grant.Then(Rejected).Hold();
        var arrived = own.Grant.Arrived;
        var renewing = own.TokenManager.RenewAsync(null, Cancellation);
        await arrived;
        await upstream.TokenManager.AdoptAsync(TokenManagerBench.Some(upstream.Time, number: "1"), Cancellation);
        await YieldAsync();

        own.Grant.Release();
        await renewing;

        await UntilAsync(own.TokenManager, () => own.State is TokenState.Active && own.Grant.Requests == 2);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task An_upstream_token_from_before_a_logout_does_not_log_the_account_in_again()
    {
        using var upstream = await new TokenManagerBench().Loaded();
        using var own = await new TokenManagerBench().Loaded();
        using var stop = new CancellationTokenSource();
        own.Grant.NeedsNoToken = true;
        var account = new Account("home", "x", hasAccountLabel: true, own.TokenManager, readingSource: null) { Upstream = [upstream.TokenManager] };
        var running = account.RunAsync(stop.Token);
        await upstream.TokenManager.AdoptAsync(TokenManagerBench.Some(upstream.Time, number: "1"), Cancellation);
        await YieldAsync();

        await own.TokenManager.ForgetAsync(Cancellation);
        await YieldAsync();

        Assert.Equal((typeof(TokenState.Missing), 0), (own.State.GetType(), own.Grant.Requests));
        await stop.CancelAsync();
        await running;
    }

    /// <summary>Lets the account react to a change. There is no event to wait for, and a busy machine needs real time.</summary>
    private static Task YieldAsync() => Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Cancellation);

    private static async Task UntilAsync(TokenManager manager, Func<bool> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        while (true)
        {
            var changed = manager.Changed;
            if (reached())
            {
                return;
            }
            await changed.WaitAsync(limit.Token);
        }
    }
}
