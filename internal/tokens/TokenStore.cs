namespace Exporter.Tokens;

/// <summary>
/// Where a token outlives the process. The token manager is the only one that writes through it, one call at a time;
/// other processes may write beside it. None of its members throws for what a disk can do: that is an outcome.
/// </summary>
public interface ITokenStore
{
    /// <summary>Where the token is, in words for a person: a path, or "memory".</summary>
    string Location { get; }

    ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes the next <see cref="WriteAsync"/> possible, before a single-use refresh token is sent: reserves what it needs. A store that
    /// needs nothing returns <see cref="WritePreparation.Nothing"/>.
    /// </summary>
    ValueTask<WritePreparation> PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes the token unless the store holds something else than <paramref name="expected"/>: what somebody else put
    /// there is never overwritten unseen, a logout neither. An empty store is written to whatever was expected; with
    /// null, where nothing is expected, one that is signed out is written to as well.
    /// </summary>
    ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken);

    /// <summary>Forgets the token and says so in a way that other processes on the same store notice.</summary>
    ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken);

    /// <summary>Takes the lock that all owners of this store respect; waits for it, within bounds.</summary>
    ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken);
}

/// <summary>What a store holds.</summary>
public abstract record ReadResult
{
    private ReadResult() { }

    public sealed record Empty : ReadResult;

    public sealed record LoggedOut : ReadResult;

    /// <param name="Stamp">Stands for the content: equal stamps, equal content.</param>
    public sealed record Held(Token Token, string Stamp) : ReadResult
    {
        /// <summary>It is read, but not kept as well as it could be, and this is why.</summary>
        public string? Warning { get; init; }
    }

    /// <summary>There is something, and it is no token; where it was set aside to, or null when it may yet be half written.</summary>
    public sealed record Damaged(string Reason, string? SetAside) : ReadResult;

    public sealed record Unreadable(string Reason) : ReadResult;
}

/// <summary>Whether a token can be written. Dispose of it after the write.</summary>
public abstract record WritePreparation : IDisposable
{
    private WritePreparation() { }

    /// <summary>A write needs no preparation.</summary>
    public static WritePreparation Nothing { get; } = new Ready(() => { });

    public void Dispose()
    {
        (this as Ready)?.Discard();
        GC.SuppressFinalize(this);
    }

    /// <param name="Discard">Releases what was prepared and not used.</param>
    public sealed record Ready(Action Discard) : WritePreparation;

    public sealed record Failed(string Reason) : WritePreparation;
}

/// <summary>What came of a write.</summary>
public abstract record WriteResult
{
    private WriteResult() { }

    /// <param name="Warning">It is saved, but not as well as it could be, and this is why.</param>
    public sealed record Written(string Stamp, string? Warning = null) : WriteResult;

    /// <summary>Somebody else had written meanwhile; nothing was written.</summary>
    public sealed record Conflict(ReadResult.Held Theirs) : WriteResult;

    /// <summary>Somebody had logged out meanwhile; nothing was written.</summary>
    public sealed record LoggedOut : WriteResult;

    public sealed record Failed(string Reason) : WriteResult;
}

/// <summary>The outcome of asking for a store's lock. Whatever it is, it is released once, when the work is done.</summary>
public abstract record StoreLock
{
    private StoreLock() { }

    public virtual void Release() { }

    /// <param name="Interrupted">When the last holder sent a request whose answer it did not live to save; null when it ended in order.</param>
    /// <param name="Sending">Notes in the lock that a token request is about to be sent.</param>
    public sealed record Taken(DateTimeOffset? Interrupted, Action Sending, Action Released) : StoreLock
    {
        public override void Release() => Released();
    }

    /// <summary>The store cannot be locked (a read-only directory): its owner goes on without.</summary>
    public sealed record Unavailable(string Reason) : StoreLock;

    /// <summary>Somebody else holds it, and did not let go in time.</summary>
    public sealed record Busy(string Holder) : StoreLock;
}

/// <summary>A store that ends with the process.</summary>
public sealed class MemoryStore(Token? initial = null) : ITokenStore
{
    private readonly Lock gate = new();
    private int generation;
    private volatile ReadResult stored = initial is null ? new ReadResult.Empty() : new ReadResult.Held(initial, "0");

    public string Location => "memory";

    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) => new(stored);

    public ValueTask<WritePreparation> PrepareAsync(CancellationToken cancellationToken) => new(WritePreparation.Nothing);

    public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            switch (stored)
            {
                case ReadResult.Held theirs when theirs.Stamp != expected:
                    return new(new WriteResult.Conflict(theirs));
                case ReadResult.LoggedOut when expected is not null:
                    return new(new WriteResult.LoggedOut());
            }
            var held = new ReadResult.Held(token, $"{++generation}");
            stored = held;
            return new(new WriteResult.Written(held.Stamp));
        }
    }

    public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            stored = new ReadResult.LoggedOut();
        }
        return new(new WriteResult.Written(""));
    }

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) => new(new StoreLock.Taken(null, () => { }, () => { }));
}
