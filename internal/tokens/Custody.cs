using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// What a keeper holds: the published snapshot, what is known of the store, and the ways from one to the other. Only the
/// keeper, in its turn, calls what changes something; the snapshot may be read by anyone.
/// </summary>
internal sealed class Custody(string account, IGrant grant, ITokenStore store, Schedule schedule, KeeperOptions options, TimeProvider time, ILogger logger)
{
    private readonly Lock publishing = new();
    private volatile KeeperSnapshot snapshot = KeeperSnapshot.Initial;
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? stamp;
    private string? lastComplaint;
    private int failures;

    public KeeperSnapshot Snapshot => snapshot;

    public TokenState State => snapshot.State;

    /// <summary>Completes at the next change.</summary>
    public Task Changed => changed.Task;

    /// <summary>When the store is to be looked at again.</summary>
    public DateTimeOffset LookAt { get; private set; } = DateTimeOffset.MinValue;

    public bool HasComplained => lastComplaint is not null;

    /// <summary>Looks whether the store holds what we know; true when somebody changed it and the change was adopted.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellation)
    {
        LookAt = time.GetUtcNow() + options.LookEvery;
        switch (await store.ReadAsync(cancellation))
        {
            case Stored.Held held when held.Stamp != stamp:
                Take(held);
                return true;
            case Stored.SignedOut when snapshot.State is not TokenState.Missing && snapshot.Unpersisted is null:
                logger.LogInformation("account {Account}: logged out by another process", account);
                Forget();
                return true;
            case Stored.Damaged(var reason, var aside):
                Complain(LogLevel.Error, aside is null
                    ? $"{store.Location} is no token file: {reason}"
                    : $"{store.Location} is no token file: {reason}; it was set aside as {aside}, log in again or put a good file there");
                return false;
            case Stored.Unreadable(var reason):
                Complain(LogLevel.Error, $"{store.Location} cannot be read: {reason}");
                return false;
            default:
                return false;
        }
    }

    /// <summary>Writes the token; false when somebody else had written there, whose token is taken instead.</summary>
    public async Task<bool> SaveAsync(Token token, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        Publish(s => s with { History = s.History with { Writes = s.History.Writes + 1 } });
        switch (await store.WriteAsync(token, stamp, cancellation))
        {
            case Saved.Done(var written, var warning):
                stamp = written;
                Complain(LogLevel.Warning, warning);
                if (snapshot.Unpersisted is not null)
                {
                    logger.LogInformation("account {Account}: the token is saved again in {Location}", account, store.Location);
                }
                Publish(s => s with { Unpersisted = null });
                return true;
            case Saved.Conflict(var theirs):
                logger.LogWarning("account {Account}: {Location} was changed by somebody else while a token was being renewed; theirs is used", account, store.Location);
                Publish(s => s with { Unpersisted = null });
                Take(theirs);
                return false;
            case Saved.Failed(var reason):
                var writes = (snapshot.Unpersisted?.FailedWrites ?? 0) + 1;
                if (snapshot.Unpersisted?.Reason != reason)
                {
                    logger.LogError("account {Account}: the new token cannot be saved in {Location} and lives in memory only: {Reason}", account, store.Location, reason);
                }
                Publish(s => s with
                {
                    Unpersisted = new Unpersisted(reason, snapshot.Unpersisted?.Since ?? now, writes, now + options.WriteRetry.After(writes, options.Random)),
                    History = s.History with { FailedWrites = s.History.FailedWrites + 1 },
                });
                return true;
            default:
                throw new InvalidOperationException("a write has no other outcome");
        }
    }

    /// <summary>Takes over what somebody else, or a former run of ours, put into the store.</summary>
    private void Take(Stored.Held held)
    {
        var first = stamp is null && snapshot.State is TokenState.Missing;
        stamp = held.Stamp;
        lastComplaint = null;
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
        Publish(s => s with { Unpersisted = null });
        Activate(held.Token);
    }

    /// <summary>
    /// A cloud that does not say how long its token is good for (RFC 6749, section 5.1: only RECOMMENDED) may have
    /// said it inside the token; else it is assumed, for without an end it would be renewed at once, for ever.
    /// </summary>
    public Token Complete(Token token) =>
        token.ExpiresAt is null ? token with { ExpiresAt = Jwt.Expiry(token.AccessToken) ?? time.GetUtcNow() + options.AssumedLifetime } : token;

    public void Activate(Token token, bool renewed = false)
    {
        failures = 0;
        var renewAt = schedule.Plan(token, grant.CanRenew(token), renewed ? snapshot.State.Token : null);
        Publish(s => s with { State = new TokenState.Active(token, renewAt, 0) });
    }

    /// <summary>What a renewal that gave no token means for the state.</summary>
    public void Conclude(Renewal outcome, DateTimeOffset? interrupted = null)
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
                logger.LogWarning("account {Account}: renewal failed, trying again at {Next:u}: {Reason}", account, next, reason);
                break;
            case Renewal.Refused(var reason):
                var retryAt = schedule.PlanAt(now + options.RefusedRetry);
                result = (new TokenState.Refused(token, reason, retryAt), FailureKind.ClientRefused, reason);
                logger.LogError("account {Account}: {Reason}; the token is kept, trying again at {Next:u}", account, reason, retryAt);
                break;
            case Renewal.Rejected(var dead):
                var explained = interrupted is { } sent ? $"{dead}; a renewal sent at {sent:u} was cut off before its answer was saved" : dead;
                schedule.Clear();
                result = (new TokenState.Lost(token, explained, now), FailureKind.GrantRejected, explained);
                logger.LogError("account {Account}: the login is lost, somebody has to log in again: {Reason}", account, explained);
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

    /// <summary>Says a thing once, until something else is to be said.</summary>
    public void Complain(LogLevel level, string? complaint)
    {
        if (complaint is not null && complaint != lastComplaint)
        {
            logger.Log(level, "account {Account}: {Complaint}", account, complaint);
            Publish(s => s with { History = s.History with { LastError = complaint } });
        }
        lastComplaint = complaint;
    }

    public void Forget()
    {
        stamp = null;
        schedule.Clear();
        Publish(s => s with { State = new TokenState.Missing(), Login = null, Unpersisted = null });
    }

    /// <summary>What is in the store now may be overwritten: a person has logged in.</summary>
    public async Task OverrideAsync(CancellationToken cancellation)
    {
        if (await store.ReadAsync(cancellation) is Stored.Held held)
        {
            stamp = held.Stamp;
        }
    }

    public void Publish(Func<KeeperSnapshot, KeeperSnapshot> change)
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
