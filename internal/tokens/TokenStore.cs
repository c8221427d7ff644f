namespace Exporter.Tokens;

/// <summary>
/// Stores a token. The token manager makes one call at a time. Other processes may write to the same place. No member throws for an I/O
/// failure: that is a result.
/// </summary>
public interface ITokenStore
{
    /// <summary>Where the token is, for messages: a path, or "memory".</summary>
    string Location { get; }

    ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reserves the resources of the next <see cref="WriteAsync"/>, before a single-use refresh token is sent. Returns null when the store needs
    /// none, and otherwise what releases those that the write did not use. A failure is the reason why the token cannot be written.
    /// </summary>
    ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes the token if the store is empty or still contains <paramref name="expected"/>. A token or a logout that another process wrote is
    /// not overwritten.
    /// </summary>
    /// <param name="expected">The stamp of the content that the caller read; null to replace a logout too.</param>
    ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the token and every copy that the store made, and records the logout for other processes. The warning of the result names what
    /// is left.
    /// </summary>
    ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Keeps the record beside the token. A write of a token and a logout remove it. By default, nothing is kept. Returns why it could not be
    /// kept, or null.
    /// </summary>
    /// <param name="stamp">Identifies the content that the record belongs to; null for an empty store.</param>
    ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) => default;

    /// <summary>The record beside the token; null if there is none, or if it belongs to other content than <paramref name="stamp"/>.</summary>
    ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) => default;

    /// <summary>Takes the lock that all processes of this store respect. Waits for a limited time.</summary>
    ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken);
}

/// <summary>The content of a store.</summary>
public abstract record ReadResult
{
    private ReadResult() { }

    public sealed record Empty : ReadResult;

    public sealed record LoggedOut : ReadResult;

    /// <param name="Stamp">Identifies the content: equal stamps mean equal content.</param>
    public sealed record Held(Token Token, string Stamp) : ReadResult
    {
        /// <summary>Why the token is stored less safely than it could be; null when it is not.</summary>
        public string? Warning { get; init; }
    }

    /// <summary>The content is not a token.</summary>
    /// <param name="SetAside">Where the content was moved to; null when another process may still be writing it.</param>
    public sealed record Damaged(string Reason, string? SetAside) : ReadResult;

    public sealed record Unreadable(string Reason) : ReadResult;
}

/// <summary>The result of a write.</summary>
public abstract record WriteResult
{
    private WriteResult() { }

    /// <param name="Warning">Why the token is saved less safely than it could be; null when it is not.</param>
    public sealed record Written(string Stamp, string? Warning = null) : WriteResult;

    /// <summary>Another process had written a token; nothing was written.</summary>
    public sealed record Conflict(ReadResult.Held Theirs) : WriteResult;

    /// <summary>Another process had logged out; nothing was written.</summary>
    public sealed record LoggedOut : WriteResult;

    public sealed record Failed(string Reason) : WriteResult;
}

/// <summary>The result of forgetting a token.</summary>
/// <param name="Failure">Why the token is still there; null if it is forgotten.</param>
/// <param name="Left">The copies that may be left, as a sentence; null if there is none.</param>
public sealed record ForgetResult(string? Failure, string? Left = null);

/// <summary>The result of taking a store's lock. Release every result once, after the work.</summary>
public abstract record StoreLock
{
    private StoreLock() { }

    public virtual void Release() { }

    /// <param name="Interrupted">When the last holder sent a request whose response it did not save; null when there is none.</param>
    /// <param name="Sending">
    /// Records in the lock that a token request is sent now. Returns why the lock may have passed to another process, so that the request must
    /// not be sent; null if it may be.
    /// </param>
    public sealed record Taken(DateTimeOffset? Interrupted, Func<string?> Sending, Action Released) : StoreLock
    {
        public override void Release() => Released();
    }

    /// <summary>The store cannot be locked, such as in a read-only directory. The caller continues without a lock.</summary>
    public sealed record Unavailable(string Reason) : StoreLock;

    /// <summary>Another process holds the lock and did not release it in time.</summary>
    public sealed record Busy(string Holder) : StoreLock;
}

/// <summary>A store that is lost when the process exits.</summary>
/// <param name="location">Where the token is, for messages.</param>
public sealed class MemoryStore(Token? initial = null, string location = MemoryStore.Name) : ITokenStore
{
    /// <summary>The location of a store that has no other.</summary>
    public const string Name = "memory";

    private readonly Lock gate = new();
    private int generation;
    private volatile ReadResult stored = initial is null ? new ReadResult.Empty() : new ReadResult.Held(initial, "0");

    public string Location => location;

    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) => new(stored);

    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => default;

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

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) => new(new StoreLock.Taken(null, () => null, () => { }));
}
