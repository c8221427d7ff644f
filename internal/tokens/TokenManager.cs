using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Owns one account's token: loads it, renews it before it ends, saves it, hands it out. The rules it keeps:
/// one renewal in flight, shared by all callers; under the store's lock the store is read again before a renewal, because
/// another process may have renewed already; a new token is on disk before anyone sees it, and when it cannot be saved it
/// is served from memory while saving is tried again. Safe for concurrent use. <see cref="RefreshLoop"/> make it renew in time;
/// without them a token is renewed when it is asked for after its end.
/// </summary>
public sealed class TokenManager : IDisposable, IAsyncDisposable
{
    private readonly IGrant grant;
    private readonly ITokenStore store;
    private readonly TokenManagerOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Custody custody;
    private readonly Schedule schedule;
    private readonly Renewer renewer;
    private readonly Turn turn;
    private readonly Lock flightGate = new();
    private readonly CancellationTokenSource closing = new();
    private readonly CancellationToken closed;
    private Task<TokenSnapshot>? flight;
    private int visiting;
    private int disposed;
    private volatile bool loaded;
    private long sharedRenewals;

    public TokenManager(string account, IGrant grant, ITokenStore store, TokenManagerOptions options, TimeProvider time, ILogger logger)
    {
        (Account, this.grant, this.store, this.options, this.time, this.logger) = (account, grant, store, options, time, logger);
        schedule = new Schedule(options, time);
        custody = new Custody(account, grant, store, schedule, options, time, logger);
        renewer = new Renewer(grant, custody, schedule, options, time);
        turn = new Turn(new SemaphoreSlim(1), store, custody);
        closed = closing.Token;
    }

    public string Account { get; }

    public string StoreLocation => store.Location;

    public TokenSnapshot Snapshot => custody.Snapshot;

    /// <summary>Callers that were given the outcome of a renewal somebody else had started.</summary>
    public long SharedRenewals => Interlocked.Read(ref sharedRenewals);

    /// <summary>Completes at the next change of <see cref="Snapshot"/>; take it before reading the snapshot.</summary>
    public Task Changed => custody.Changed;

    /// <summary>When the token is next to be renewed; null when nothing is planned.</summary>
    public DateTimeOffset? NextRenewal => custody.State switch
    {
        TokenState.Active { RenewAt: var at } when at < DateTimeOffset.MaxValue => at,
        TokenState.InvalidClient { RetryAt: var at } => at,
        TokenState.Missing when schedule.Planned is { } at => at,
        _ => null,
    };

    /// <summary>Whether it can log in without a person, having no token.</summary>
    public bool LogsInByItself => grant.CanRenew(null);

    /// <summary>Whether <see cref="VisitAsync"/> has something to do now that it is not doing yet.</summary>
    internal bool IsDue(DateTimeOffset now, long timestamp) => Volatile.Read(ref visiting) == 0 && (schedule.IsDue(now, timestamp) || custody.IsDue(now, timestamp));

    /// <summary>
    /// Reads the store for the first time; afterwards the snapshot tells what was found. Where there is no token and the grant
    /// needs none to begin with, a login is planned at once, unless somebody has logged out: that holds until the next login.
    /// </summary>
    public Task LoadAsync(CancellationToken cancellationToken) => LoadAsync(afresh: false, cancellationToken);

    /// <param name="afresh">A person has started the program anew: an earlier logout does not keep the grant from logging in.</param>
    public Task LoadAsync(bool afresh, CancellationToken cancellationToken) => turn.InTurnAsync(async () =>
    {
        await custody.LookAsync(cancellationToken);
        if (!loaded && custody.State is TokenState.Missing)
        {
            Begin(afresh);
        }
        // Last: who does not wait for this is to find the login planned.
        loaded = true;
    }, cancellationToken);

    private void Begin(bool afresh)
    {
        if (custody.IsLoggedOut && !(afresh && LogsInByItself))
        {
            logger.LogWarning("account {Account}: it was logged out: somebody has to log in", Account);
            return;
        }
        custody.OverruleLogout();
        if (LogsInByItself)
        {
            schedule.PlanAt(time.GetUtcNow());
        }
        else if (!custody.HasComplained)
        {
            logger.LogWarning("account {Account}: there is no token in {Location}: somebody has to log in", Account, store.Location);
        }
    }

    /// <summary>Does what is due, unless a visit is under way: looks whether the store was changed by others, saves what could not be saved, renews.</summary>
    public async Task VisitAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref visiting, 1) == 1)
        {
            return;
        }
        try
        {
            await turn.InTurnAsync(async () =>
            {
                await custody.LookAsync(cancellationToken);
                if (custody.IsWriteDue(time.GetUtcNow(), time.GetTimestamp()) && custody.State.Token is { } token)
                {
                    await turn.LockedAsync(_ => custody.SaveAsync(token, cancellationToken), cancellationToken);
                }
            }, cancellationToken);
            if (renewer.IsDue)
            {
                await JoinAsync(null, asked: false, cancellationToken);
            }
        }
        finally
        {
            Volatile.Write(ref visiting, 0);
        }
    }

    /// <summary>
    /// A token that may be put on a request: the one at hand, or, when that has ended, a renewed one; its access token is
    /// there. Null when there is none; <see cref="Snapshot"/> says why. Loads at first use. Giving up by
    /// <paramref name="cancellationToken"/> does not end the renewal.
    /// </summary>
    public async ValueTask<Token?> GetTokenAsync(CancellationToken cancellationToken)
    {
        await (loaded ? Task.CompletedTask : LoadAsync(cancellationToken));
        // In this order, for a token is shown before its renewal is planned. What is not due waits for the back-off, or for a person.
        var isDue = renewer.IsDue;
        if (Usable(custody.Snapshot) is { } token)
        {
            return token;
        }
        return isDue ? Usable(await JoinAsync(null, asked: false, cancellationToken)) : null;
    }

    private Token? Usable(TokenSnapshot current) => current.State.Token is { } token && token.IsUsable(time.GetUtcNow()) ? token : null;

    /// <summary>
    /// Renews now, or joins the renewal in flight. With <paramref name="refused"/>, the access token that a provider did not
    /// accept, nothing is done when that is no longer the current one.
    /// </summary>
    public Task<TokenSnapshot> RenewAsync(Secret? refused, CancellationToken cancellationToken) => JoinAsync(refused, asked: true, cancellationToken);

    private Task<TokenSnapshot> JoinAsync(Secret? refused, bool asked, CancellationToken cancellationToken)
    {
        Task<TokenSnapshot> joined;
        lock (flightGate)
        {
            if (flight is { IsCompleted: false })
            {
                Interlocked.Increment(ref sharedRenewals);
            }
            else
            {
                // Not on the caller's token: a request that was sent is waited for whoever gives up.
                var before = asked ? custody.State : null;
                flight = Task.Run(() => RenewOnceAsync(refused, before));
            }
            joined = flight;
        }
        return joined.WaitAsync(cancellationToken);
    }

    /// <summary>A person has logged in: the new token takes the place of whatever there was, on disk first.</summary>
    public Task AdoptAsync(Token login, CancellationToken cancellationToken) => AdoptAsync(_ => login, cancellationToken);

    /// <param name="login">From the token that it takes the place of, as no renewal and no sibling changes it any more.</param>
    public Task AdoptAsync(Func<Token?, Token> login, CancellationToken cancellationToken) =>
        // Not cancelled halfway: the code behind this token is spent.
        turn.InTurnAsync(() => turn.LockedAsync(_ => TakeAsync(login), CancellationToken.None), CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>Tries a refresh token that a person gave. Only if the provider gives a token for it does that one take the place of what there was.</summary>
    public Task<Renewal> TryAsync(Secret refreshToken, CancellationToken cancellationToken) => turn.InTurnAsync(() => turn.LockedAsync(async held =>
    {
        var outcome = held is StoreLock.Busy(var holder) ? new Renewal.Transient(FailureKind.Locked, holder)
            : await grant.RenewAsync(new Token { RefreshToken = refreshToken }, CancellationToken.None);
        await (outcome is Renewal.Renewed(var token) ? TakeAsync(_ => token) : Task.CompletedTask);
        return outcome;
    }, CancellationToken.None), CancellationToken.None).WaitAsync(cancellationToken);

    private async Task TakeAsync(Func<Token?, Token> login)
    {
        await custody.LookAsync(CancellationToken.None);
        var (held, taken) = (custody.State.Token, login(custody.State.Token));
        logger.LogInformation("account {Account}: logged in", Account);
        await custody.OverrideAsync(CancellationToken.None);
        await renewer.SaveAndPublishAsync(custody.Complete(taken with { Members = (held?.Members ?? JsonMembers.Empty).Merge(taken.Members) }));
        custody.Publish(s => s with { History = s.History with { LastError = null } });
    }

    /// <summary>Forgets the token here and in the store, and leaves it alive at the provider. Why the store kept it, or null.</summary>
    public Task<string?> ForgetAsync(CancellationToken cancellationToken) => ForgetAsync(null, cancellationToken);

    /// <summary>
    /// Forgets the token here and in the store. With <paramref name="revoke"/> it is revoked before, under the store's lock so that
    /// no sibling renews it meanwhile; what cannot be revoked is not forgotten. Why the token is still there, or null.
    /// </summary>
    /// <param name="revoke">Ends the login at the provider; why it could not, or null.</param>
    public Task<string?> ForgetAsync(Func<Token, CancellationToken, Task<string?>>? revoke, CancellationToken cancellationToken) => turn.InTurnAsync(() => turn.LockedAsync(async held =>
    {
        if (held is StoreLock.Busy(var holder))
        {
            return holder;
        }
        await custody.LookAsync(cancellationToken);
        if (revoke is not null && custody.State.Token is { } token && await revoke(token, cancellationToken) is { } failure)
        {
            return failure;
        }
        if (await store.LogOutAsync(cancellationToken) is WriteResult.Failed(var reason))
        {
            return reason;
        }
        custody.Forget();
        return null;
    }, cancellationToken), cancellationToken);

    /// <summary>Shows that a person is logging in.</summary>
    public void ShowLogin(Login login) => custody.Publish(current => current with { Login = login });

    /// <summary>That login is over; another that was begun since stays.</summary>
    public void EndLogin(Login login) => custody.Publish(current => current.Login == login ? current with { Login = null } : current);

    /// <summary>
    /// The end of the process: waits for a renewal that was sent, calls off one that was not, and tries once more to save
    /// what is only in memory. Null when nothing is lost, else the reason in a sentence.
    /// </summary>
    public async Task<string?> CloseAsync(CancellationToken cancellationToken)
    {
        await closing.CancelAsync();
        Task? running;
        lock (flightGate)
        {
            running = flight;
        }
        if (running is not null)
        {
            await running.WaitAsync(cancellationToken);
        }
        return await turn.InTurnAsync(async () =>
        {
            await custody.LookAsync(cancellationToken);
            if (custody.State.Token is { } token && (custody.IsStoreEmpty || custody.Snapshot.Unpersisted is not null))
            {
                await turn.LockedAsync(_ => custody.SaveAsync(token, cancellationToken), cancellationToken);
            }
            return custody.Snapshot.Unpersisted?.Reason;
        }, cancellationToken);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            closing.Cancel();
            closing.Dispose();
        }
    }

    /// <summary><see cref="CloseAsync"/>, without a limit but the token request's own.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Volatile.Read(ref disposed) == 0 && await CloseAsync(CancellationToken.None) is { } reason)
        {
            logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", Account, reason);
        }
        Dispose();
    }

    private async Task<TokenSnapshot> RenewOnceAsync(Secret? refused, TokenState? asked)
    {
        try
        {
            await options.RenewalRateLimiter.WaitAsync(closed);
            await turn.InTurnAsync(() => turn.LockedAsync(held => renewer.RunAsync(held, refused, asked), closed), closed);
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
            // Nothing was sent: the next process renews.
        }
        return custody.Snapshot;
    }
}
