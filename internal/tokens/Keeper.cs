using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Owns one account's token: loads it, renews it before it ends, saves it, hands it out. The rules it keeps:
/// one renewal in flight, shared by all callers; under the store's lock the store is read again before a renewal, because
/// another process may have renewed already; a new token is on disk before anyone sees it, and when it cannot be saved it
/// is served from memory while saving is tried again. Safe for concurrent use.
/// </summary>
public sealed class Keeper : IDisposable
{
    private readonly IGrant grant;
    private readonly ITokenStore store;
    private readonly KeeperOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Custody custody;
    private readonly Schedule schedule;

    /// <summary>Held by whoever changes the token or the store: a renewal, a login, a logout, a look at the store.</summary>
    private readonly SemaphoreSlim turn = new(1);
    private readonly Lock flightGate = new();
    private Task<KeeperSnapshot>? flight;
    private int visiting;
    private long sharedRenewals;

    public Keeper(string account, IGrant grant, ITokenStore store, KeeperOptions options, TimeProvider time, ILogger logger)
    {
        (Account, this.grant, this.store, this.options, this.time, this.logger) = (account, grant, store, options, time, logger);
        schedule = new Schedule(options, time);
        custody = new Custody(account, grant, store, schedule, options, time, logger);
    }

    public string Account { get; }

    public string StoreLocation => store.Location;

    public KeeperSnapshot Snapshot => custody.Snapshot;

    /// <summary>Callers that were given the outcome of a renewal somebody else had started.</summary>
    public long SharedRenewals => Interlocked.Read(ref sharedRenewals);

    /// <summary>Completes at the next change of <see cref="Snapshot"/>; take it before reading the snapshot.</summary>
    public Task Changed => custody.Changed;

    /// <summary>When the token is next to be renewed; null when nothing is planned.</summary>
    public DateTimeOffset? NextRenewal => custody.State switch
    {
        TokenState.Active { RenewAt: var at } when at < DateTimeOffset.MaxValue => at,
        TokenState.Refused { RetryAt: var at } => at,
        TokenState.Missing when schedule.Planned is { } at => at,
        _ => null,
    };

    /// <summary>Whether <see cref="VisitAsync"/> has something to do now.</summary>
    public bool IsDue(DateTimeOffset now) => custody.LookAt <= now || schedule.IsDue(now) || custody.Snapshot.Unpersisted?.RetryAt <= now;

    /// <summary>Reads the store for the first time. Afterwards the snapshot tells what was found.</summary>
    public Task LoadAsync(CancellationToken cancellation) => InTurnAsync(async () =>
    {
        await custody.LookAsync(cancellation);
        if (custody.State is not TokenState.Missing)
        {
            return;
        }
        if (grant.CanRenew(null))
        {
            schedule.PlanAt(time.GetUtcNow());
        }
        else if (!custody.HasComplained)
        {
            logger.LogWarning("account {Account}: there is no token in {Location}: somebody has to log in", Account, store.Location);
        }
    }, cancellation);

    /// <summary>Does what is due, unless a visit is under way: looks whether the store was changed by others, saves what could not be saved, renews.</summary>
    public async Task VisitAsync(CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref visiting, 1) == 1)
        {
            return;
        }
        try
        {
            await InTurnAsync(async () =>
            {
                await custody.LookAsync(cancellation);
                if (custody.Snapshot.Unpersisted?.RetryAt <= time.GetUtcNow())
                {
                    await SaveAgainAsync(cancellation);
                }
            }, cancellation);
            if (schedule.IsDue(time.GetUtcNow()))
            {
                await RenewAsync(null, cancellation);
            }
        }
        finally
        {
            Volatile.Write(ref visiting, 0);
        }
    }

    /// <summary>
    /// A token that may be put on a request: the one at hand, or, when that has ended, a renewed one. Null when there is
    /// none; <see cref="Snapshot"/> says why. Giving up by <paramref name="cancellation"/> does not end the renewal.
    /// </summary>
    public async ValueTask<Token?> GetTokenAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var current = custody.Snapshot;
        if (current.State.Token is { } token && token.IsUsable(now))
        {
            return token;
        }
        if (!schedule.IsDue(now))
        {
            // Not before the back-off is over, or never.
            return null;
        }
        current = await RenewAsync(null, cancellation);
        return current.State.Token is { } renewed && renewed.IsUsable(time.GetUtcNow()) ? renewed : null;
    }

    /// <summary>
    /// Renews now, or joins the renewal in flight. With <paramref name="refused"/>, the access token that a cloud did not
    /// accept, nothing is done when that is no longer the current one.
    /// </summary>
    public Task<KeeperSnapshot> RenewAsync(Secret? refused, CancellationToken cancellation)
    {
        Task<KeeperSnapshot> joined;
        lock (flightGate)
        {
            if (flight is { IsCompleted: false })
            {
                Interlocked.Increment(ref sharedRenewals);
            }
            else
            {
                // Not on the caller's token: a request that was sent is waited for whoever gives up.
                flight = Task.Run(() => RenewOnceAsync(refused));
            }
            joined = flight;
        }
        return joined.WaitAsync(cancellation);
    }

    /// <summary>A person has logged in: the new token takes the place of whatever there was, on disk first.</summary>
    public Task AdoptAsync(Token login, CancellationToken cancellation) => InTurnAsync(async () =>
    {
        var token = login with { Members = (custody.State.Token?.Members ?? JsonMembers.Empty).Merge(login.Members) };
        logger.LogInformation("account {Account}: logged in", Account);
        await LockedAsync(async _ => await SaveAndPublishAsync(token, overwrite: true, cancellation), cancellation);
    }, cancellation);

    /// <summary>Forgets the token here and in the store. The reason why the store kept it, or null.</summary>
    public Task<string?> ForgetAsync(CancellationToken cancellation) => InTurnAsync(async () =>
    {
        string? failure = null;
        await LockedAsync(async _ =>
        {
            if (await store.SignOutAsync(cancellation) is Saved.Failed(var reason))
            {
                failure = reason;
                return;
            }
            custody.Forget();
        }, cancellation);
        return failure;
    }, cancellation);

    /// <summary>Shows that a person is logging in, or with null that nobody is any more.</summary>
    public void ShowLogin(Login? login) => custody.Publish(current => current with { Login = login });

    /// <summary>
    /// The end of the process: waits for a renewal that was sent, and tries once more to save what is only in memory.
    /// Null when nothing is lost, else the reason in a sentence.
    /// </summary>
    public async Task<string?> CloseAsync(CancellationToken cancellation)
    {
        Task? running;
        lock (flightGate)
        {
            running = flight;
        }
        if (running is not null)
        {
            await running.WaitAsync(cancellation);
        }
        return await InTurnAsync(async () =>
        {
            await SaveAgainAsync(cancellation);
            return custody.Snapshot.Unpersisted?.Reason;
        }, cancellation);
    }

    public void Dispose() => turn.Dispose();

    private async Task<KeeperSnapshot> RenewOnceAsync(Secret? refused)
    {
        await options.Pace.WaitAsync();
        await InTurnAsync(() => LockedAsync(held => RenewLockedAsync(held, refused), CancellationToken.None), CancellationToken.None);
        return custody.Snapshot;
    }

    private async Task RenewLockedAsync(StoreLock held, Secret? refused)
    {
        if (held is StoreLock.Busy(var holder))
        {
            custody.Conclude(new Renewal.Transient(FailureKind.Locked, holder));
            return;
        }
        var before = custody.State;
        await custody.LookAsync(CancellationToken.None);
        var current = custody.State.Token;
        if (refused is not null)
        {
            if (!IsWorthForcing(refused))
            {
                return;
            }
        }
        else if (!ReferenceEquals(before, custody.State) && !schedule.IsDue(time.GetUtcNow()))
        {
            // A sibling renewed while we waited for the lock.
            return;
        }
        if (custody.State is TokenState.Missing && !grant.CanRenew(null))
        {
            return;
        }

        (held as StoreLock.Taken)?.Sending();
        var started = time.GetTimestamp();
        var outcome = await AskAsync(current);
        if (outcome is Renewal.Rejected && await custody.LookAsync(CancellationToken.None))
        {
            // Somebody put another token there while ours was refused: that one is as good as it looks, or deserves its own try.
            if (!schedule.IsDue(time.GetUtcNow()))
            {
                return;
            }
            outcome = await AskAsync(custody.State.Token);
        }
        custody.Publish(s => s with { History = s.History with { LastAttempt = time.GetUtcNow(), LastDuration = time.GetElapsedTime(started), ClockOffset = outcome.ClockOffset ?? s.History.ClockOffset } });
        if (outcome is Renewal.Renewed(var token))
        {
            custody.Publish(s => s with { History = s.History with { LastSuccess = time.GetUtcNow(), LastError = null, Renewals = s.History.Renewals + 1 } });
            await SaveAndPublishAsync(custody.Complete(token), overwrite: false, CancellationToken.None);
        }
        else
        {
            custody.Conclude(outcome, (held as StoreLock.Taken)?.Interrupted);
        }
    }

    /// <summary>
    /// The cloud refuses what looks good to us. That is worth one renewal, unless the token is not the current one any
    /// more, was given just now, or is known to be beyond renewing for the moment.
    /// </summary>
    private bool IsWorthForcing(Secret refused) =>
        custody.State is TokenState.Active { Held.AccessToken: { } access } active
        && access.Equals(refused)
        && (active.FailedRenewals == 0 || schedule.IsDue(time.GetUtcNow()))
        && !(time.GetUtcNow() - custody.Snapshot.History.LastSuccess < options.LeastBetweenForced);

    /// <summary>Asks the grant; what it throws against its contract is a failure like another, or it would be asked again every second.</summary>
    private async Task<Renewal> AskAsync(Token? current)
    {
        try
        {
            return await grant.RenewAsync(current, CancellationToken.None);
        }
        catch (Exception e)
        {
            return new Renewal.Transient(FailureKind.Unexpected, $"the renewal failed in a way that was not foreseen ({e.GetType().Name}: {Plain.Line(e.Message)})");
        }
    }

    private async Task SaveAgainAsync(CancellationToken cancellation)
    {
        if (custody.Snapshot is { Unpersisted: not null, State.Token: { } token })
        {
            await LockedAsync(_ => custody.SaveAsync(token, cancellation), cancellation);
        }
    }

    /// <summary>Saves, then publishes; what cannot be saved is published with the loud remark that it is not.</summary>
    private async Task SaveAndPublishAsync(Token token, bool overwrite, CancellationToken cancellation)
    {
        if (overwrite)
        {
            await custody.OverrideAsync(cancellation);
        }
        if (await custody.SaveAsync(token, cancellation))
        {
            custody.Activate(token, renewed: true);
        }
    }

    private async Task LockedAsync(Func<StoreLock, Task> work, CancellationToken cancellation)
    {
        var held = await store.LockAsync(cancellation);
        try
        {
            await work(held);
        }
        finally
        {
            held.Release();
        }
    }

    private async Task InTurnAsync(Func<Task> work, CancellationToken cancellation) =>
        await InTurnAsync(async () => { await work(); return true; }, cancellation);

    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            return await work();
        }
        finally
        {
            turn.Release();
        }
    }
}
