using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// What a token manager holds: the published snapshot, what is known of the store, and the ways from one to the other. Only the
/// token manager, in its turn, calls what changes something; the snapshot may be read by anyone.
/// </summary>
internal sealed class Custody(string account, IGrant grant, ITokenStore store, Schedule schedule, TokenManagerOptions options, TimeProvider time, ILogger logger)
{
    private readonly Lock publishing = new();
    private volatile TokenSnapshot snapshot = TokenSnapshot.Initial;
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Moment look = new(DateTimeOffset.MinValue, 0);
    private Moment? writeAgain;
    private string? stamp;
    private Secret? redeemed;
    private string? readComplaint;
    private string? writeComplaint;
    private string? lockComplaint;
    private int failures;
    private bool overruled;

    public TokenSnapshot Snapshot => snapshot;

    public TokenState State => snapshot.State;

    /// <summary>Completes at the next change.</summary>
    public Task Changed => changed.Task;

    public bool HasComplained => readComplaint is not null;

    /// <summary>Whether the store held nothing that could be used when it was last looked at; a token that is used up is nothing.</summary>
    public bool IsStoreEmpty { get; private set; }

    /// <summary>Whether the store said at the last look that somebody has logged out, and that still holds.</summary>
    public bool IsLoggedOut { get; private set; }

    /// <summary>Whether the store is to be looked at or written to again.</summary>
    public bool IsDue(DateTimeOffset now, long timestamp) => look.IsDue(now, timestamp) || IsWriteDue(now, timestamp);

    public bool IsWriteDue(DateTimeOffset now, long timestamp) => writeAgain is { } again && again.IsDue(now, timestamp);

    /// <summary>Looks whether the store holds what we know; true when somebody changed it and the change was adopted.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        // Not all accounts in the same second.
        look = Moment.Of(time.GetUtcNow() + options.LookEvery * (1 - options.Random.NextDouble() / 2), time);
        var stored = await ReadAsync(cancellationToken);
        IsStoreEmpty = stored is ReadResult.Empty or ReadResult.Damaged;
        IsLoggedOut = stored is ReadResult.LoggedOut && !overruled;
        switch (stored)
        {
            case ReadResult.Held held when held.Stamp == stamp:
                Complain(ref readComplaint, LogLevel.Warning, held.Warning);
                return false;
            case ReadResult.Held held when State.Token is { } newer && IsPredecessor(held.Token, newer):
                logger.LogWarning("account {Account}: {Location} was set back to a refresh token that is used up; the newer one is written again", account, store.Location);
                // At the next visit, under the lock: a sibling may be writing.
                (stamp, IsStoreEmpty, writeAgain) = (held.Stamp, true, Moment.Of(time.GetUtcNow(), time));
                return false;
            case ReadResult.Held held:
                Take(held);
                return true;
            case ReadResult.LoggedOut when IsLoggedOut && (State is TokenState.Missing ? schedule.Planned : stamp as object) is not null:
                logger.LogInformation("account {Account}: logged out by another process", account);
                Forget();
                return true;
            case ReadResult.Damaged(var reason, var aside):
                Complain(ref readComplaint, LogLevel.Error, aside is null
                    ? $"{store.Location} is no token file: {reason}"
                    : $"{store.Location} is no token file: {reason}; it was set aside as {aside}, log in again or put a good file there");
                return false;
            case ReadResult.Unreadable(var reason):
                Complain(ref readComplaint, LogLevel.Error, $"{store.Location} cannot be read: {reason}");
                return false;
            default:
                Complain(ref readComplaint, LogLevel.Error, null);
                return false;
        }
    }

    /// <summary>Writes the token; false when somebody else had changed the store, whose word is taken instead.</summary>
    public async Task<bool> SaveAsync(Token token, CancellationToken cancellationToken)
    {
        Publish(s => s with { History = s.History with { Writes = s.History.Writes + 1 } });
        var saved = await WriteAsync(token, cancellationToken);
        if (saved is WriteResult.Conflict(var edited) && IsPredecessor(edited.Token, token))
        {
            // Edited, but still with the refresh token this one was renewed from: there is nothing else in it to keep.
            stamp = edited.Stamp;
            saved = await WriteAsync(token, cancellationToken);
        }
        switch (saved)
        {
            case WriteResult.Written(var written, var warning):
                (stamp, overruled) = (written, false);
                Complain(ref writeComplaint, LogLevel.Warning, warning);
                if (snapshot.Unpersisted is not null)
                {
                    logger.LogInformation("account {Account}: the token is saved again in {Location}", account, store.Location);
                }
                Persisted();
                return true;
            case WriteResult.Conflict(var theirs):
                logger.LogWarning("account {Account}: {Location} was changed by somebody else while a token was being renewed; theirs is used", account, store.Location);
                Take(theirs);
                return false;
            case WriteResult.LoggedOut:
                logger.LogInformation("account {Account}: logged out by another process while a token was being renewed; the new one is dropped", account);
                Forget();
                return false;
            case WriteResult.Failed(var reason):
                Unpersisted(reason);
                return true;
            default:
                throw new InvalidOperationException("a write has no other outcome");
        }
    }

    private void Unpersisted(string reason)
    {
        var (now, before) = (time.GetUtcNow(), snapshot.Unpersisted);
        if (before?.Reason != reason)
        {
            logger.LogError("account {Account}: the new token cannot be saved in {Location} and lives in memory only: {Reason}", account, store.Location, reason);
        }
        var writes = (before?.FailedWrites ?? 0) + 1;
        writeAgain = Moment.Of(now + options.WriteRetry.After(writes, options.Random), time);
        Publish(s => s with
        {
            Unpersisted = new Unpersisted(reason, before?.Since ?? now, writes, writeAgain.At),
            History = s.History with { FailedWrites = s.History.FailedWrites + 1 },
        });
    }

    private void Persisted()
    {
        writeAgain = null;
        Publish(s => s with { Unpersisted = null });
    }

    /// <summary>Notes which refresh token was spent on the one that is now to be saved.</summary>
    public void Redeemed(Token? spent) => redeemed = spent?.RefreshToken ?? redeemed;

    /// <summary>Whether <paramref name="held"/> has the refresh token that was spent on ours: using it again would have the provider revoke both.</summary>
    private bool IsPredecessor(Token held, Token newer) => redeemed is not null && redeemed.Equals(held.RefreshToken) && !redeemed.Equals(newer.RefreshToken);

    /// <summary>A store throws for nothing a disk can do; what it throws all the same must not cost the token in our hands.</summary>
    private async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new ReadResult.Unreadable(Sanitize.Unforeseen(e));
        }
    }

    private async ValueTask<WriteResult> WriteAsync(Token token, CancellationToken cancellationToken)
    {
        try
        {
            return await store.WriteAsync(token, stamp, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new WriteResult.Failed(Sanitize.Unforeseen(e));
        }
    }

    /// <summary>Takes over what somebody else, or a former run of ours, put into the store.</summary>
    private void Take(ReadResult.Held held)
    {
        var first = stamp is null && snapshot.State is TokenState.Missing;
        stamp = held.Stamp;
        Complain(ref readComplaint, LogLevel.Warning, held.Warning);
        foreach (var shortcoming in held.Token.Shortcomings())
        {
            logger.LogWarning("account {Account}: {Location}: {Shortcoming}", account, store.Location, shortcoming);
        }
        if (first)
        {
            logger.LogInformation("account {Account}: loaded token from {Location}", account, store.Location);
        }
        else
        {
            logger.LogInformation("account {Account}: {Location} was changed by somebody else; its token is used", account, store.Location);
            Publish(s => s with { History = s.History with { Adoptions = s.History.Adoptions + 1 } });
        }
        Persisted();
        Activate(held.Token);
    }

    /// <summary>
    /// A provider that does not say how long its token is good for (RFC 6749, section 5.1: only RECOMMENDED) may have
    /// said it inside the token; else it is assumed, for without an end it would be renewed at once, for ever. What nothing
    /// renews is used until the provider refuses it.
    /// </summary>
    public Token Complete(Token token) => token.ExpiresAt is not null ? token : token with
    {
        ExpiresAt = Jwt.Expiry(token.AccessToken) ?? (grant.CanRenew(token) ? time.GetUtcNow() + options.AssumedLifetime : null),
    };

    public void Activate(Token token, bool renewed = false)
    {
        failures = 0;
        var next = schedule.Next(token, grant.CanRenew(token), renewed, State.Token);
        Publish(s => s with { State = new TokenState.Active(token, next?.At ?? DateTimeOffset.MaxValue, 0) });
        // The token before its plan: whoever finds nothing due finds the token.
        schedule.Plan(next);
    }

    /// <summary>What a renewal that gave no token means for the state.</summary>
    /// <param name="refused">The access token a provider did not accept, if that was why: where there is no renewing, it is worth nothing.</param>
    public void Conclude(Renewal outcome, DateTimeOffset? interrupted = null, Secret? refused = null)
    {
        var now = time.GetUtcNow();
        var token = State.Token;
        failures++;
        (TokenState State, FailureKind Kind, string Reason) result;
        switch (outcome)
        {
            case Renewal.Transient(var kind, var reason, var retryAfter):
                var next = schedule.PlanRetry(failures, retryAfter);
                result = (token is null ? State : new TokenState.Active(token, next, failures), kind, reason);
                logger.LogWarning(TokenEvents.RenewalFailed, "account {Account}: renewal failed, trying again at {Next:u}: {Reason}", account, next, reason);
                break;
            case Renewal.InvalidClient(var reason):
                var retryAt = schedule.PlanAt(now + options.InvalidClientRetry);
                result = (new TokenState.InvalidClient(token, reason, retryAt), FailureKind.ClientRefused, reason);
                logger.LogError(TokenEvents.RenewalFailed, "account {Account}: {Reason}; the token is kept, trying again at {Next:u}", account, reason, retryAt);
                break;
            case Renewal.InvalidGrant(var dead):
                var explained = interrupted is { } sent ? $"{dead}; a renewal sent at {sent:u} was cut off before its answer was saved" : dead;
                schedule.Clear();
                result = (new TokenState.Lost(refused is not null && refused.Equals(token?.AccessToken) ? token with { AccessToken = null } : token, explained, now), FailureKind.GrantRejected, explained);
                logger.LogError(TokenEvents.RenewalFailed, "account {Account}: the login is lost, somebody has to log in again: {Reason}", account, explained);
                break;
            default:
                throw new InvalidOperationException($"{outcome.GetType().Name} is no failure");
        }
        Publish(s => s with
        {
            State = result.State,
            History = s.History with { LastError = result.Reason, Failures = s.History.Failures.SetItem(result.Kind, s.History.Failures.GetValueOrDefault(result.Kind) + 1) },
        });
    }

    /// <summary>The store goes unlocked: said once, until it changes.</summary>
    public void Unlocked(string? reason) => Complain(ref lockComplaint, LogLevel.Warning, reason is null
        ? null
        : $"{store.Location} cannot be locked, so another process on it would not be noticed renewing: {reason}");

    /// <summary>Says a thing once, until something else is to be said.</summary>
    private void Complain(ref string? last, LogLevel level, string? complaint)
    {
        if (complaint is not null && complaint != last)
        {
            logger.Log(level, "account {Account}: {Complaint}", account, complaint);
            if (level == LogLevel.Error)
            {
                Publish(s => s with { History = s.History with { LastError = complaint } });
            }
        }
        last = complaint;
    }

    /// <summary>A logout that is found at the start of a program does not hold any more.</summary>
    public void OverruleLogout() => (overruled, IsLoggedOut) = (IsLoggedOut, false);

    public void Forget()
    {
        (stamp, redeemed, writeAgain, overruled) = (null, null, null, false);
        schedule.Clear();
        Publish(s => s with { State = new TokenState.Missing(), Login = null, Unpersisted = null });
    }

    /// <summary>What is in the store now may be overwritten: a person has logged in.</summary>
    public async Task OverrideAsync(CancellationToken cancellationToken)
    {
        stamp = (await ReadAsync(cancellationToken) as ReadResult.Held)?.Stamp;
        redeemed = null;
    }

    public void Publish(Func<TokenSnapshot, TokenSnapshot> change)
    {
        lock (publishing)
        {
            snapshot = change(snapshot);
            var done = changed;
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            done.SetResult();
        }
    }
}
