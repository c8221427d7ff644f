namespace Exporter.Tokens;

/// <summary>One renewal, in the token manager's turn and under the store's lock: whether it is still needed, the request, and what becomes of its outcome.</summary>
internal sealed class Renewer(IGrant grant, Custody custody, Schedule schedule, TokenManagerOptions options, TimeProvider time)
{
    private long? renewed;

    /// <summary>Whether the plan says so, by either clock.</summary>
    public bool IsDue => schedule.IsDue(time.GetUtcNow(), time.GetTimestamp());

    /// <param name="refused">The access token that a provider did not accept, if that is why; what is due is renewed all the same, for others may have joined.</param>
    /// <param name="asked">The state in which somebody asked for a renewal, due or not; null when it is renewed only if it is due.</param>
    public async Task RunAsync(StoreLock held, Secret? refused, TokenState? asked)
    {
        if (held is StoreLock.Busy(var holder))
        {
            custody.Conclude(new Renewal.Transient(FailureKind.Locked, holder));
            return;
        }
        await custody.LookAsync(CancellationToken.None);
        // A sibling, or a renewal that ended when this one was asked for, may have done it already; somebody may have logged out.
        var isNeeded = IsDue || (refused is not null ? IsWorthForcing(refused) : ReferenceEquals(asked, custody.State));
        if (!isNeeded || (custody.State is TokenState.Missing && !grant.CanRenew(null)))
        {
            return;
        }

        (held as StoreLock.Taken)?.Sending();
        var outcome = await AskAsync();
        if (outcome is Renewal.InvalidGrant && await custody.LookAsync(CancellationToken.None))
        {
            // Somebody put another token there while ours was refused: that one is as good as it looks, or deserves its own try.
            if (!IsDue)
            {
                return;
            }
            outcome = await AskAsync();
        }
        if (outcome is Renewal.Renewed(var token))
        {
            renewed = time.GetTimestamp();
            custody.Publish(s => s with { History = s.History with { LastSuccess = time.GetUtcNow(), LastError = null, Renewals = s.History.Renewals + 1 } });
            custody.Redeemed(custody.State.Token);
            await SaveAndPublishAsync(custody.Complete(token));
        }
        else
        {
            custody.Conclude(outcome, (held as StoreLock.Taken)?.Interrupted, refused);
        }
    }

    /// <summary>
    /// The provider refuses what looks good to us. That is worth one renewal, unless the token is not the current one any
    /// more, was given just now, or is known to be beyond renewing for the moment.
    /// </summary>
    private bool IsWorthForcing(Secret refused) =>
        custody.State is TokenState.Active { Held.AccessToken: { } access } active
        && access.Equals(refused)
        && active.FailedRenewals == 0
        && !(renewed is { } at && time.GetElapsedTime(at) < options.LeastBetweenForced);

    /// <summary>Asks the grant; what it throws against its contract is a failure like another, or it would be asked again every second.</summary>
    private async Task<Renewal> AskAsync()
    {
        var started = time.GetTimestamp();
        Renewal outcome;
        try
        {
            outcome = await grant.RenewAsync(custody.State.Token, CancellationToken.None);
        }
        catch (Exception e)
        {
            outcome = new Renewal.Transient(FailureKind.Unexpected, $"the renewal: {Sanitize.Unforeseen(e)}");
        }
        var (now, took) = (time.GetUtcNow(), time.GetElapsedTime(started));
        custody.Publish(s => s with { History = s.History with { LastAttempt = now, LastDuration = took, ClockOffset = outcome.ClockOffset ?? s.History.ClockOffset } });
        return outcome;
    }

    /// <summary>Saves, then publishes; what cannot be saved is published with the loud remark that it is not.</summary>
    public async Task SaveAndPublishAsync(Token token)
    {
        if (await custody.SaveAsync(token, CancellationToken.None))
        {
            custody.Activate(token, renewed: true);
        }
    }
}
