using Exporter.Accounts;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>An account whose token is had with another.</summary>
public sealed class AccountTests
{
    private static readonly Renewal Dead = new Renewal.InvalidGrant("there is nothing left to renew it with");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_login_beneath_that_comes_too_late_for_a_renewal_under_way_is_tried_once_that_has_failed()
    {
        using var upstream = await new TokenManagerBench().Loaded();
        using var ours = await new TokenManagerBench().Loaded();
        using var stop = new CancellationTokenSource();
        var account = new Account("home", "x", labelled: true, ours.TokenManager, feed: null) { Upstream = [upstream.TokenManager] };
        var running = account.RunAsync(stop.Token);
        ours.Grant.Then(Dead).Hold();
        var arrived = ours.Grant.Arrived;
        var renewing = ours.TokenManager.RenewAsync(null, Cancellation);
        await arrived;
        await upstream.TokenManager.AdoptAsync(TokenManagerBench.Some(upstream.Time, number: "1"), Cancellation);
        // So that it is seen before the renewal ends; it is no signal to us.
        for (var i = 0; i < 1000; i++)
        {
            await Task.Yield();
        }

        ours.Grant.Release();
        await renewing;

        await UntilAsync(ours.TokenManager, () => ours.State is TokenState.Active && ours.Grant.Requests == 2);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Who_has_logged_out_is_not_logged_in_again_by_what_came_beneath_before()
    {
        using var upstream = await new TokenManagerBench().Loaded();
        using var ours = await new TokenManagerBench().Loaded();
        using var stop = new CancellationTokenSource();
        ours.Grant.NeedsNoToken = true;
        var account = new Account("home", "x", labelled: true, ours.TokenManager, feed: null) { Upstream = [upstream.TokenManager] };
        var running = account.RunAsync(stop.Token);
        await upstream.TokenManager.AdoptAsync(TokenManagerBench.Some(upstream.Time, number: "1"), Cancellation);
        for (var i = 0; i < 1000; i++)
        {
            await Task.Yield();
        }

        await ours.TokenManager.ForgetAsync(Cancellation);
        for (var i = 0; i < 1000; i++)
        {
            await Task.Yield();
        }

        Assert.Equal((typeof(TokenState.Missing), 0), (ours.State.GetType(), ours.Grant.Requests));
        await stop.CancelAsync();
        await running;
    }

    private static async Task UntilAsync(TokenManager manager, Func<bool> reached)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        while (true)
        {
            var changed = manager.Changed;
            if (reached())
            {
                return;
            }
            await changed.WaitAsync(patience.Token);
        }
    }
}
