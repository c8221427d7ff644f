using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>The I/O of a renewal, in the order that keeps a login safe.</summary>
public sealed partial class TokenManager
{
    /// <summary>The last record, and the stamp of the content that it belongs to.</summary>
    private (TokenRecord Record, string? Stamp)? recorded;

    private async Task<TokenSnapshot> RenewOnceAsync(RenewalCause cause)
    {
        try
        {
            await options.RenewalRateLimiter.WaitAsync(closing.Token);
            await InTurnAsync(() => LockedAsync(async held =>
            {
                await RenewAsync(held, cause);
                if (held is not StoreLock.Busy)
                {
                    await RecordAsync();
                }
                return true;
            }, closing.Token), closing.Token);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // Nothing was sent: the next process renews.
        }
        return Snapshot;
    }

    private async Task<TokenLifecycle> RenewAsync(StoreLock held, RenewalCause cause)
    {
        if (held is StoreLock.Busy(var holder))
        {
            return Apply(state => state.RenewalFailed(new Renewal.Transient(FailureKind.Locked, holder), cause, Now));
        }
        await ReadAsync(CancellationToken.None);
        if (!current.Renews(cause, Now))
        {
            return current;
        }
        var (preparation, reason) = await PrepareAsync();
        using var disposePreparation = preparation;
        if (reason is not null && current.CanWait(cause, Now))
        {
            return Apply(state => state.RenewalFailed(new Renewal.Transient(FailureKind.Store, NotSent(reason)), cause, Now));
        }
        if ((held as StoreLock.Taken)?.Sending() is { } passed)
        {
            return Apply(state => state.RenewalFailed(new Renewal.Transient(FailureKind.Locked, passed), cause, Now));
        }
        var outcome = await SendAsync();
        if (outcome is Renewal.InvalidGrant)
        {
            await ReadAsync(CancellationToken.None);
            if (current.WasChangedByOthers)
            {
                // Another process replaced the token. If the new one is due, it is sent; otherwise it is used.
                if (!current.IsRenewalDue(Now))
                {
                    return current;
                }
                outcome = await SendAsync();
            }
        }
        if (outcome is not Renewal.Renewed(var token))
        {
            return Apply(state => state.RenewalFailed(outcome, cause, Now, (held as StoreLock.Taken)?.Interrupted));
        }
        Apply(state => state.Renewed(token, Now));
        return await WriteAsync(CancellationToken.None);
    }

    /// <summary>Keeps the reason of a failure beside the token. A record that cannot be kept affects nothing else.</summary>
    private async Task RecordAsync()
    {
        var stamp = current.Stamp;
        if (TokenRecord.Of(Snapshot, NextRenewal, Now.Utc) is not { } record)
        {
            recorded = null;
            return;
        }
        if (recorded is var (before, belongsTo) && belongsTo == stamp && before.IsRepeatedBy(record))
        {
            return;
        }
        recorded = (record, stamp);
        // A command ends before it tries again.
        record = CurrentStoreAccess.Value == StoreAccess.Service ? record : record with { NextAttempt = null };
        if (await OrFailure(() => store.RecordAsync(record, stamp, CancellationToken.None), reason => reason) is { } problem)
        {
            logger.LogDebug("account {Account}: the failed renewal is not recorded beside the token: {Reason}", Account, problem);
        }
    }

    /// <summary>Sends the renewal. A grant must not throw. If it does, that is a failure, because the loop would resend it every second.</summary>
    private async Task<Renewal> SendAsync()
    {
        var started = time.GetTimestamp();
        Renewal outcome;
        try
        {
            outcome = await grant.RenewAsync(Snapshot.State.Token, CancellationToken.None);
        }
        catch (Exception e)
        {
            outcome = new Renewal.Transient(FailureKind.Unexpected, $"the renewal: {Sanitize.Unexpected(e)}");
        }
        Apply(state => state.Attempted(outcome, time.GetElapsedTime(started), Now));
        return outcome;
    }

    private async Task<bool> TakeAsync(Func<Token?, Token> login)
    {
        var found = await ReadAsync(CancellationToken.None);
        var token = login(Snapshot.State.Token);
        Apply(state => state.LoggedIn(token, (found as ReadResult.Held)?.Stamp, Now));
        await WriteAsync(CancellationToken.None);
        return true;
    }

    private static string NotSent(string reason) => $"the renewal was not sent, because its result could not be saved: {reason}";

    private async Task<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        var found = await OrFailure(() => store.ReadAsync(cancellationToken), reason => new ReadResult.Unreadable(reason));
        Apply(state => state.Read(found, Now));
        return found;
    }

    private Task<bool> WriteAgainAsync(CancellationToken cancellationToken) => LockedAsync(async _ =>
    {
        Apply(state => state.WritesAgain());
        await WriteAsync(cancellationToken);
        return true;
    }, cancellationToken);

    private async Task<TokenLifecycle> WriteAsync(CancellationToken cancellationToken)
    {
        while (current.Unsaved is { } token)
        {
            var stamp = current.Stamp;
            var result = await OrFailure(() => store.WriteAsync(token, stamp, cancellationToken), reason => new WriteResult.Failed(reason));
            Apply(state => state.Written(token, result, Now));
        }
        return current;
    }

    private Task<Result<IDisposable, string>> PrepareAsync() => OrFailure(() => store.PrepareAsync(CancellationToken.None), reason => reason);

    /// <summary>A store returns what a disk can do. An exception that its contract does not allow must not cost the token in memory.</summary>
    private static async Task<T> OrFailure<T>(Func<ValueTask<T>> work, Func<string, T> otherwise)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return otherwise(Sanitize.Unexpected(e));
        }
    }

    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>A change by a user. It lets a renewal pass that waits for its turn.</summary>
    private async Task<T> AfterRenewalsAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await userTurn.WaitAsync(cancellationToken);
        try
        {
            while (true)
            {
                await turn.WaitAsync(cancellationToken);
                Task? renewal;
                try
                {
                    renewal = RunningRenewal;
                    if (renewal is null)
                    {
                        ObjectDisposedException.ThrowIf(isReplaced, this);
                        return await work();
                    }
                }
                finally
                {
                    turn.Release();
                }
                await renewal.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            userTurn.Release();
        }
    }

    private Task? RunningRenewal
    {
        get
        {
            lock (joining)
            {
                return flight is { IsCompleted: false } ? flight : null;
            }
        }
    }

    /// <summary>The store's lock keeps other processes out.</summary>
    private async Task<T> LockedAsync<T>(Func<StoreLock, Task<T>> work, CancellationToken cancellationToken)
    {
        var held = await OrFailure(() => store.LockAsync(cancellationToken), reason => new StoreLock.Unavailable(reason));
        Apply(state => state.Locked((held as StoreLock.Unavailable)?.Reason));
        try
        {
            return await work(held);
        }
        finally
        {
            held.Release();
        }
    }

    /// <summary>The one place where the state changes: publishes it, then writes its log lines.</summary>
    private TokenLifecycle Apply(Func<TokenLifecycle, TokenLifecycle> change)
    {
        TokenLifecycle next;
        lock (applying)
        {
            var before = current;
            next = change(before);
            current = next.WithoutNotices();
            if (!ReferenceEquals(before.Snapshot, next.Snapshot))
            {
                published.Set(next.Snapshot);
            }
        }
        foreach (var notice in next.Notices)
        {
            notice(logger, Account);
        }
        return next;
    }
}
