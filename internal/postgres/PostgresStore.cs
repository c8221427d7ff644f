namespace Exporter.Postgres;

/// <summary>
/// One row as a token store, for what users and polls do with one account. Its lock is the row's attempt, with the same fence as the queue. After
/// the account is opened, <see cref="Rules"/> must be set.
/// </summary>
/// <param name="id">Of the row.</param>
/// <param name="name">Of the account.</param>
internal sealed class PostgresStore(AccountRows rows, TokenKeys keys, long id, string name, TimeProvider time) : ITokenStore
{
    /// <summary>The store in messages.</summary>
    public const string Name = "the shared store";

    private const string Waits = "another replica renews the token; try again in a minute";

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>The row as the lock was taken, so that the read after it needs no query.</summary>
    private AccountRow? locked;

    /// <summary>Set while a new token could not be written: the attempt then stays in doubt, so that no other replica sends the old token.</summary>
    private bool isUnsaved;

    /// <summary>The rules of the account's lifecycle, which decide when a token of a user is renewed.</summary>
    public LifecycleRules? Rules { get; set; }

    public string Location => Name;

    public async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var row = Interlocked.Exchange(ref locked, null) ?? await rows.FindAsync(id, cancellationToken);
            return row is null ? new ReadResult.LoggedOut() : Content(row);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            return new ReadResult.Unreadable(Database.Describe(e));
        }
    }

    /// <summary>A row that was locked just now can be saved, as far as anything can be known of it.</summary>
    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => default;

    public async ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        try
        {
            isUnsaved = true;
            var next = new TokenLifecycle(Rules!).Adopted(token, Instant.Now(time)) with { LastSuccess = time.GetUtcNow() };
            var version = expected is null ? (long?)null : long.Parse(expected, System.Globalization.CultureInfo.InvariantCulture);
            var written = await rows.WriteAsync(id, version, AccountRow.Seal(keys, name, token), next, cancellationToken);
            isUnsaved = false;
            if (written is { } newer)
            {
                return new WriteResult.Written(AccountRow.StampOf(newer));
            }
            return await rows.FindAsync(id, cancellationToken) is { } row && Content(row) is ReadResult.Held theirs
                ? new WriteResult.Conflict(theirs)
                : new WriteResult.LoggedOut();
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            return new WriteResult.Failed(Database.Describe(e));
        }
    }

    public async ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken)
    {
        try
        {
            await rows.LogOutAsync(id, cancellationToken);
            return new WriteResult.Written("");
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            return new WriteResult.Failed(Database.Describe(e));
        }
    }

    public async ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken)
    {
        try
        {
            // Without a token, a grant that needs none failed.
            var version = stamp is null ? (long?)null : long.Parse(stamp, System.Globalization.CultureInfo.InvariantCulture);
            await rows.RecordAsync(id, version, record, cancellationToken);
            return null;
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            return Database.Describe(e);
        }
    }

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestWait, new RunningTime(time));
        try
        {
            while (true)
            {
                var fence = new Fence(time);
                if (await rows.TakeAsync(id, cancellationToken) is { } row)
                {
                    locked = row;
                    return new StoreLock.Taken(row.Interrupted, () => fence.Problem, () => Release(row));
                }
                if (await rows.FindAsync(id, cancellationToken) is null)
                {
                    return new StoreLock.Busy("the account was deleted");
                }
                if (limit.IsCancellationRequested)
                {
                    return new StoreLock.Busy(Waits);
                }
                await Task.Delay(Step, time, cancellationToken);
            }
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            // Without the database nothing is sent: another replica may be renewing.
            return new StoreLock.Busy(Database.Describe(e));
        }
    }

    private ReadResult Content(AccountRow row)
    {
        if (row.IsLoggedOut || row.SealedToken is null)
        {
            return row.IsLoggedOut ? new ReadResult.LoggedOut() : new ReadResult.Empty();
        }
        var (progress, failure) = row.Progress(keys);
        return progress?.State.Token is { } token ? new ReadResult.Held(token, row.Stamp) : new ReadResult.Unreadable(failure ?? "there is no token");
    }

    private void Release(AccountRow row)
    {
        locked = null;
        if (!isUnsaved)
        {
            _ = ReleaseAsync(row);
        }
    }

    private async Task ReleaseAsync(AccountRow row)
    {
        try
        {
            await rows.ReleaseAsync(row.Id, row.Attempt, CancellationToken.None);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            // The lock ends at its time.
        }
    }
}
