using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Owns one account's token: loads it, renews it before it expires, saves it and hands it out. <see cref="TokenLifecycle"/> decides; this type
/// does the I/O in the order that keeps a login safe: lock, read, prepare the save, send, save, publish. One renewal is in flight at a time,
/// shared by all callers. Safe for concurrent use. <see cref="RefreshLoop"/> renews in time; without it, the first request after the expiry does.
/// </summary>
public sealed partial class TokenManager(
    string account, IGrant grant, ITokenStore store, TokenManagerOptions options, TimeProvider time, ILogger<TokenManager> logger)
    : IDisposable, IAsyncDisposable
{
    private readonly Lock applying = new();
    private readonly Latest<TokenSnapshot> published = new(TokenSnapshot.Initial);
    private readonly Lock joining = new();

    /// <summary>Never disposed, like <see cref="turn"/>, so that a late caller finds a closed token manager.</summary>
    private readonly CancellationTokenSource closing = new();

    /// <summary>One caller at a time reads or changes the store.</summary>
    private readonly SemaphoreSlim turn = new(1);

    /// <summary>One user at a time waits for a turn, so that renewals wait for one of them at most.</summary>
    private readonly SemaphoreSlim userTurn = new(1);
    private volatile TokenLifecycle current = new(new LifecycleRules(options, grant.CanRenew, store.Location));
    private Task<TokenSnapshot>? flight;
    private int visiting;
    private volatile bool disposed;
    private bool isReplaced;
    private long sharedRenewals;

    public string Account => account;

    public string StoreLocation => store.Location;

    public TokenSnapshot Snapshot => current.Snapshot;

    internal TimeProvider Time => time;

    internal IGrant Grant => grant;

    internal LifecycleRules Rules => current.Rules;

    /// <summary>How many callers shared a renewal that another caller had started.</summary>
    public long SharedRenewals => Interlocked.Read(ref sharedRenewals);

    /// <summary>Completes at the next change of <see cref="Snapshot"/>; take it before you read the snapshot.</summary>
    public Task Changed => published.Changed;

    /// <summary>When the token is renewed next; null when nothing is scheduled.</summary>
    public DateTimeOffset? NextRenewal => Snapshot.State is TokenState.Missing ? current.NextRenewal?.At : Snapshot.State.NextRenewal;

    /// <summary>Whether it logs in without a user when it has no token.</summary>
    public bool LogsInByItself => grant.CanRenew(null);

    /// <summary>Whether a renewal can obtain a token without a user, from the current token or from none.</summary>
    public bool CanRenew => grant.CanRenew(Snapshot.State.Token);

    private Instant Now => Instant.Now(time);

    /// <summary>Whether <see cref="VisitAsync"/> has something to do, and no visit is in progress.</summary>
    internal bool IsDue(Instant now) => Volatile.Read(ref visiting) == 0 && current.IsDue(now);

    /// <summary>
    /// Reads the store for the first time; <see cref="Snapshot"/> then contains the result. When there is no token and the grant needs none,
    /// schedules a login at once, unless a user has logged out: that holds until the next login.
    /// </summary>
    public Task LoadAsync(CancellationToken cancellationToken) => LoadAsync(ignoresLogout: false, cancellationToken);

    /// <param name="ignoresLogout">Whether a grant that needs no token logs in although a user has logged out.</param>
    public Task LoadAsync(bool ignoresLogout, CancellationToken cancellationToken) => InTurnAsync(async () =>
    {
        await ReadAsync(cancellationToken);
        return Apply(state => state.Loaded(ignoresLogout, Now));
    }, cancellationToken);

    /// <summary>Continues from what a row of the shared store keeps. Ignored during a renewal, which has newer information.</summary>
    internal void Resume(TokenProgress progress)
    {
        if (RunningRenewal is null && Snapshot.Unpersisted is null)
        {
            Apply(state => state.Resumed(progress, Now));
        }
    }

    /// <summary>
    /// Does what is due: reads the store, saves what could not be saved before, renews. Does nothing while another visit is in progress.
    /// </summary>
    public async Task VisitAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref visiting, 1) == 1)
        {
            return;
        }
        try
        {
            await InTurnAsync(async () =>
            {
                await ReadAsync(cancellationToken);
                return current.IsWriteDue(Now) && await WriteAgainAsync(cancellationToken);
            }, cancellationToken);
            if (current.IsRenewalDue(Now))
            {
                await JoinAsync(new RenewalCause.Due(), cancellationToken);
            }
        }
        finally
        {
            Volatile.Write(ref visiting, 0);
        }
    }

    /// <summary>
    /// A token with an access token for a request: the current one, or a renewed one when that has expired. Null when there is none;
    /// <see cref="Snapshot"/> contains the reason. Loads at first use. Cancelling the call does not cancel the renewal.
    /// </summary>
    public async ValueTask<Token?> GetTokenAsync(CancellationToken cancellationToken)
    {
        if (!current.IsLoaded)
        {
            await LoadAsync(cancellationToken);
        }
        var (state, now) = (current, Now);
        if (state.Usable(now) is { } token)
        {
            return token;
        }
        if (!state.IsRenewalDue(now))
        {
            return null;
        }
        await JoinAsync(new RenewalCause.Due(), cancellationToken);
        return current.Usable(Now);
    }

    /// <summary>
    /// Renews now, or joins the renewal in flight. With <paramref name="rejected"/>, an access token that an API rejected, does nothing
    /// when that is no longer the current one.
    /// </summary>
    public Task<TokenSnapshot> RenewAsync(Secret? rejected, CancellationToken cancellationToken) =>
        JoinAsync(rejected is null ? new RenewalCause.Requested(Snapshot.State) : new RenewalCause.Rejected(rejected), cancellationToken);

    /// <summary>A user has logged in: the new token replaces the current one, in the store first.</summary>
    public Task AdoptAsync(Token login, CancellationToken cancellationToken) => AdoptAsync(_ => login, cancellationToken);

    /// <param name="login">Makes the new token from the current one, while no renewal and no other process changes it.</param>
    public Task AdoptAsync(Func<Token?, Token> login, CancellationToken cancellationToken) =>
        // Not cancelled halfway: the code behind this token is spent.
        AfterRenewalsAsync(() => LockedAsync(_ => TakeAsync(login), CancellationToken.None), CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>Reads the store, in which another process may have saved a token just now.</summary>
    public Task ReadStoreAsync(CancellationToken cancellationToken) => InTurnAsync(() => ReadAsync(cancellationToken), cancellationToken);

    /// <summary>Why the last renewal of the current token failed, as any process recorded it beside the token; null if there is no record.</summary>
    public ValueTask<TokenRecord?> ReadRecordAsync(CancellationToken cancellationToken) =>
        Snapshot.IsUnknown ? default : store.ReadRecordAsync(current.Stamp, cancellationToken);

    /// <summary>Tries a refresh token that a user pasted. It replaces the current token only if the provider returns a token for it.</summary>
    public Task<Renewal> TryAsync(Secret refreshToken, CancellationToken cancellationToken) =>
        TryAsync(refreshToken, _ => Task.FromResult(true), cancellationToken);

    /// <param name="accepts">Whether the new token replaces the current one. If it does not, the caller may adopt it later.</param>
    public Task<Renewal> TryAsync(Secret refreshToken, Func<Token, Task<bool>> accepts, CancellationToken cancellationToken) => AfterRenewalsAsync(
        () => LockedAsync(async held =>
    {
        if (held is StoreLock.Busy(var holder))
        {
            return new Renewal.Transient(FailureKind.Locked, holder);
        }
        var (preparation, reason) = await PrepareAsync();
        using var disposePreparation = preparation;
        if (reason is not null)
        {
            return new Renewal.Transient(FailureKind.Store, NotSent(reason));
        }
        var outcome = await grant.RenewAsync(new Token { RefreshToken = refreshToken }, CancellationToken.None);
        if (outcome is Renewal.Renewed(var token) && await accepts(token))
        {
            await TakeAsync(_ => token);
        }
        return outcome;
    }, CancellationToken.None), CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>Forgets the token here and in the store; it stays valid at the provider.</summary>
    public Task<ForgetResult> ForgetAsync(CancellationToken cancellationToken) => ForgetAsync(null, cancellationToken);

    /// <summary>
    /// Forgets the token here and in the store. With <paramref name="revoke"/>, revokes it before, under the store's lock so that no other
    /// process renews it meanwhile; a token that cannot be revoked is kept.
    /// </summary>
    /// <param name="revoke">Ends the login at the provider; returns why it could not, or null.</param>
    public Task<ForgetResult> ForgetAsync(Func<Token, CancellationToken, Task<string?>>? revoke, CancellationToken cancellationToken) =>
        AfterRenewalsAsync(() => LockedAsync(async held =>
        {
            if (held is StoreLock.Busy(var holder))
            {
                return new ForgetResult(holder);
            }
            await ReadAsync(cancellationToken);
            if (revoke is not null && Snapshot.State.Token is { } token && await revoke(token, cancellationToken) is { } failure)
            {
                return new ForgetResult(failure);
            }
            var result = await store.LogOutAsync(cancellationToken);
            if (result is WriteResult.Failed(var reason))
            {
                return new ForgetResult(reason);
            }
            Apply(state => state.Forgotten());
            return new ForgetResult(null, (result as WriteResult.Written)?.Warning);
        }, cancellationToken), cancellationToken);

    /// <summary>Shows that a user is logging in.</summary>
    public void ShowLogin(Login login) => Apply(state => state with { Snapshot = state.Snapshot with { Login = login } });

    /// <summary>That login is over; a later one stays.</summary>
    public void EndLogin(Login login) =>
        Apply(state => state.Snapshot.Login == login ? state with { Snapshot = state.Snapshot with { Login = null } } : state);

    /// <summary>
    /// Shuts down: waits for a renewal that was sent, cancels one that was not, and tries once more to save what is in memory only.
    /// Returns null when nothing is lost, else the reason in a sentence.
    /// </summary>
    public Task<string?> CloseAsync(CancellationToken cancellationToken) => CloseAsync(isReplaced: false, cancellationToken);

    /// <param name="isReplaced">
    /// Whether another token manager takes over the store. A login or a logout that arrives later then throws an
    /// <see cref="ObjectDisposedException"/>, because it would change the token of the other one.
    /// </param>
    public async Task<string?> CloseAsync(bool isReplaced, CancellationToken cancellationToken)
    {
        await closing.CancelAsync();
        Task? running;
        lock (joining)
        {
            running = flight;
        }
        if (running is not null)
        {
            await running.WaitAsync(cancellationToken);
        }
        return await InTurnAsync(async () =>
        {
            await ReadAsync(cancellationToken);
            if (current.IsStoreEmpty || Snapshot.Unpersisted is not null)
            {
                await WriteAgainAsync(cancellationToken);
            }
            this.isReplaced |= isReplaced;
            return Snapshot.Unpersisted?.Reason;
        }, cancellationToken);
    }

    public void Dispose()
    {
        disposed = true;
        closing.Cancel();
    }

    /// <summary><see cref="CloseAsync(CancellationToken)"/>, without a limit but the token request's own.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!disposed && await CloseAsync(CancellationToken.None) is { } reason)
        {
            logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", Account, reason);
        }
        Dispose();
    }

    private Task<TokenSnapshot> JoinAsync(RenewalCause cause, CancellationToken cancellationToken)
    {
        Task<TokenSnapshot> joined;
        lock (joining)
        {
            if (flight is { IsCompleted: false })
            {
                Interlocked.Increment(ref sharedRenewals);
            }
            else
            {
                // Without the caller's cancellation token: a request that was sent must finish.
                flight = Task.Run(() => RenewOnceAsync(cause));
            }
            joined = flight;
        }
        return joined.WaitAsync(cancellationToken);
    }
}
