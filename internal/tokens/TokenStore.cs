namespace Exporter.Tokens;

/// <summary>
/// Where a token outlives the process. The keeper is the only one that writes through it, one call at a time;
/// other processes may write beside it. None of its members throws for what a disk can do: that is an outcome.
/// </summary>
public interface ITokenStore
{
    /// <summary>Where the token is, in words for a person: a path, or "memory".</summary>
    string Location { get; }

    ValueTask<Stored> ReadAsync(CancellationToken cancellation);

    /// <summary>
    /// Writes the token unless the store holds something else than <paramref name="expected"/>: what somebody else put
    /// there is never overwritten unseen, a logout neither. An empty store is written to whatever was expected; with
    /// null, where nothing is expected, one that is signed out is written to as well.
    /// </summary>
    ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation);

    /// <summary>Forgets the token and says so in a way that other processes on the same store notice.</summary>
    ValueTask<Saved> SignOutAsync(CancellationToken cancellation);

    /// <summary>Takes the lock that all owners of this store respect; waits for it, within bounds.</summary>
    ValueTask<StoreLock> LockAsync(CancellationToken cancellation);
}

/// <summary>What a store holds.</summary>
public abstract record Stored
{
    private Stored() { }

    public sealed record Empty : Stored;

    public sealed record SignedOut : Stored;

    /// <param name="Stamp">Stands for the content: equal stamps, equal content.</param>
    public sealed record Held(Token Token, string Stamp) : Stored
    {
        /// <summary>It is read, but not kept as well as it could be, and this is why.</summary>
        public string? Warning { get; init; }
    }

    /// <summary>There is something, and it is no token; where it was set aside to, or null when it may yet be half written.</summary>
    public sealed record Damaged(string Reason, string? SetAside) : Stored;

    public sealed record Unreadable(string Reason) : Stored;
}

/// <summary>What came of a write.</summary>
public abstract record Saved
{
    private Saved() { }

    /// <param name="Warning">It is saved, but not as well as it could be, and this is why.</param>
    public sealed record Done(string Stamp, string? Warning = null) : Saved;

    /// <summary>Somebody else had written meanwhile; nothing was written.</summary>
    public sealed record Conflict(Stored.Held Theirs) : Saved;

    /// <summary>Somebody had logged out meanwhile; nothing was written.</summary>
    public sealed record SignedOut : Saved;

    public sealed record Failed(string Reason) : Saved;
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

    /// <summary>The store cannot be locked (a read-only folder): its owner goes on without.</summary>
    public sealed record Unavailable(string Reason) : StoreLock;

    /// <summary>Somebody else holds it, and did not let go in time.</summary>
    public sealed record Busy(string Holder) : StoreLock;
}

/// <summary>A store that ends with the process.</summary>
public sealed class MemoryStore(Token? initial = null) : ITokenStore
{
    private readonly Lock gate = new();
    private int generation;
    private volatile Stored stored = initial is null ? new Stored.Empty() : new Stored.Held(initial, "0");

    public string Location => "memory";

    public ValueTask<Stored> ReadAsync(CancellationToken cancellation) => new(stored);

    public ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation)
    {
        lock (gate)
        {
            switch (stored)
            {
                case Stored.Held theirs when theirs.Stamp != expected:
                    return new(new Saved.Conflict(theirs));
                case Stored.SignedOut when expected is not null:
                    return new(new Saved.SignedOut());
            }
            var held = new Stored.Held(token, $"{++generation}");
            stored = held;
            return new(new Saved.Done(held.Stamp));
        }
    }

    public ValueTask<Saved> SignOutAsync(CancellationToken cancellation)
    {
        lock (gate)
        {
            stored = new Stored.SignedOut();
        }
        return new(new Saved.Done(""));
    }

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellation) => new(new StoreLock.Taken(null, () => { }, () => { }));
}
