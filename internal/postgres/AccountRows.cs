using Npgsql;

namespace Exporter.Postgres;

/// <summary>
/// The statements on the rows of accounts. The fence is here: taking a row records the attempt before anything is sent, and saving compares the
/// version of the token and never the holder, because a late process may have the only copy of a new token. Safe for concurrent use. Every
/// member throws what <see cref="Database.IsFailure"/> recognizes if the database does not do its part.
/// </summary>
/// <param name="holder">Identifies this replica in rows that it takes.</param>
internal sealed class AccountRows(Database database, string holder)
{
    /// <summary>
    /// A taken row is locked for 30 seconds at least. A request whose outcome is unknown stays in doubt until shortly before the access token
    /// expires: a stopped process may still save its result, and the access token works until then.
    /// </summary>
    private const string Take = $"""
        update account a set holder = $1, attempt = a.attempt + 1, sent_at = now(),
          lock_until = greatest(now() + interval '30 s', least(a.expires_at - interval '10 s', now() + interval '10 min'))
        from taken where a.id = taken.id
        returning {AccountRow.Columns}, taken.sent_at
        """;

    /// <summary>The end of an attempt.</summary>
    internal const string Released = "holder = null, sent_at = null, lock_until = null";

    private const string TakeDue = $"""
        with taken as (
          select id, sent_at from account where renew_at <= now() and (lock_until is null or lock_until < now())
          order by renew_at limit $2 for update skip locked)
        {Take}
        """;

    private const string TakeOne = $"""
        with taken as (
          select id, sent_at from account where id = $2 and (lock_until is null or lock_until < now()) for update)
        {Take}
        """;

    private const string Columns = $"""
        token = coalesce($3, a.token), version = a.version + case when $3 is null or $3 = a.token then 0 else 1 end,
        logged_out = a.logged_out and $3 is null,
        state = $4, reason = $5, since = $6, error = $7, failures = $8, rejections = $9, expires_at = $10, refresh_expires_at = $11,
        renew_at = $12, renewed_at = coalesce($13, a.renewed_at), tried_at = coalesce($14, a.tried_at),
        {Released}
        """;

    /// <summary>
    /// A command whose answer was lost is repeated. If it was executed, the row has this token already, and saving it again waits until a synchronous
    /// standby has it too.
    /// </summary>
    private const string Change = $"""
        update account a set {Columns} where a.id = $1
          and (a.version = $2 and ($3 is not null or a.attempt = $15) or a.token = $3 and a.attempt = $15)
        returning a.id
        """;

    private const string Write = $"""
        update account a set {Columns} where a.id = $1
          and case when a.logged_out then $2 is null when a.token is null then true else a.version = $2 end
        returning a.version
        """;

    private const string Count = """
        insert into counter (slot, source, name, value) values ($1, $2, $3, $4)
        on conflict (slot, source, name) do update set value = counter.value + excluded.value
        """;

    private readonly int slot = Random.Shared.Next(16);

    /// <summary>Takes up to <paramref name="most"/> rows whose renewal is due.</summary>
    public async Task<IReadOnlyList<AccountRow>> TakeDueAsync(int most, CancellationToken cancellationToken)
    {
        await using var command = database.Command(TakeDue, Parameter.Of(holder), Parameter.Of(most));
        await using var reader = await command.ExecuteReaderAsync(BeforeSent(cancellationToken));
        var rows = new List<AccountRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(AccountRow.Read(reader, isTaken: true));
        }
        return rows;
    }

    /// <summary>Takes one row, due or not. Null if a request is in flight, or if the row is gone.</summary>
    public async Task<AccountRow?> TakeAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = database.Command(TakeOne, Parameter.Of(holder), Parameter.Of(id));
        await using var reader = await command.ExecuteReaderAsync(BeforeSent(cancellationToken));
        return await reader.ReadAsync(cancellationToken) ? AccountRow.Read(reader, isTaken: true) : null;
    }

    public Task<AccountRow?> FindAsync(long id, CancellationToken cancellationToken) =>
        FindAsync($"select {AccountRow.Columns} from account a where a.id = $1", Parameter.Of(id), cancellationToken);

    public Task<AccountRow?> FindAsync(string name, CancellationToken cancellationToken) =>
        FindAsync($"select {AccountRow.Columns} from account a where a.name = $1", Parameter.Of(name), cancellationToken);

    /// <summary>Saves changes in one transaction, and counts their outcomes.</summary>
    /// <returns>The IDs of the rows that were changed. The others have another token, or are gone.</returns>
    public async Task<IReadOnlySet<long>> SaveAsync(IReadOnlyList<RowChange> changes, CancellationToken cancellationToken)
    {
        await using var batch = database.Batch();
        // In one order, so that two replicas never wait for each other.
        foreach (var change in changes.OrderBy(change => change.Id))
        {
            batch.Add(Change, [.. Values(change.Id, change.Version, change.Token, change.Next), Parameter.Of(change.Attempt)]);
        }
        foreach (var outcome in changes.GroupBy(change => new Outcome(change.Source, change.Outcome)).OrderBy(group => group.Key.ToString()))
        {
            batch.Add(Count,
                Parameter.Of(slot), Parameter.Of(outcome.Key.Source), Parameter.Of(outcome.Key.Name), Parameter.Of((long)outcome.Count()));
        }
        return await batch.ReadAllAsync(reader => reader.GetInt64(0), BeforeSent(cancellationToken));
    }

    /// <summary>Writes a token that a user brought, or that this replica alone renewed.</summary>
    /// <param name="expected">The version that the caller read; null to replace a logout too.</param>
    /// <returns>The new version; null if the row has another token or a logout.</returns>
    public async Task<long?> WriteAsync(long id, long? expected, byte[] token, TokenProgress next, CancellationToken cancellationToken)
    {
        await using var command = database.Command(Write, Values(id, expected, token, next));
        return await command.ExecuteScalarAsync(BeforeSent(cancellationToken)) as long?;
    }

    /// <summary>Ends an attempt without a result: nothing was sent, or nothing came of it.</summary>
    public async Task ReleaseAsync(long id, long attempt, CancellationToken cancellationToken)
    {
        await using var command = database.Command(
            $"update account set {Released} where id = $1 and attempt = $2",
            Parameter.Of(id), Parameter.Of(attempt));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Ends an attempt of which nothing was sent, and schedules the next one.</summary>
    public async Task PostponeAsync(long id, long attempt, DateTimeOffset until, string reason, CancellationToken cancellationToken)
    {
        await using var command = database.Command($"""
            update account set {Released}, renew_at = $3, error = $4 where id = $1 and attempt = $2
            """, Parameter.Of(id), Parameter.Of(attempt), Parameter.Of(until), Parameter.Of(reason));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Removes the token. A renewal in flight then finds another version.</summary>
    public async Task LogOutAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = database.Command("""
            update account set token = null, version = version + 1, logged_out = true, state = 'missing', reason = null, since = null, error = null,
              failures = 0, rejections = 0, expires_at = null, refresh_expires_at = null, renew_at = null where id = $1
            """, Parameter.Of(id));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Records why a renewal outside the queue failed.</summary>
    public async Task RecordAsync(long id, long? version, TokenRecord record, CancellationToken cancellationToken)
    {
        var state = record.State switch { RecordedState.Lost => "lost", RecordedState.Refused => "refused", _ => null };
        await using var command = database.Command("""
            update account set state = coalesce($3, state), reason = case when $3 is null then reason else $4 end,
              since = case when $3 = 'lost' then $5 else since end, error = $4, renew_at = $6, failures = failures + 1, tried_at = now()
            where id = $1 and case when token is null then $2 is null else version = $2 end
            """, Parameter.Of(id), Parameter.Of(version), Parameter.Of(state), Parameter.Of(record.Error), Parameter.Of(record.Since),
            Parameter.Of(record.NextAttempt));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<AccountRow?> FindAsync(string sql, NpgsqlParameter key, CancellationToken cancellationToken)
    {
        await using var command = database.Command(sql, key);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? AccountRow.Read(reader) : null;
    }

    /// <summary>The first 14 parameters of <see cref="Change"/> and of <see cref="Write"/>.</summary>
    private static NpgsqlParameter[] Values(long id, long? version, byte[]? token, TokenProgress next)
    {
        var (reason, since) = next.State switch
        {
            TokenState.InvalidClient(_, var why, _) => (why, null),
            TokenState.Lost(_, var why, var at) => (why, at),
            _ => ((string?)null, (DateTimeOffset?)null),
        };
        return
        [
            Parameter.Of(id), Parameter.Of(version), Parameter.Of(token), Parameter.Of(AccountMetrics.NameOf(next.State)), Parameter.Of(reason),
            Parameter.Of(since), Parameter.Of(next.LastError), Parameter.Of(next.Failures), Parameter.Of(next.Rejections),
            Parameter.Of(next.State.Token?.ExpiresAt), Parameter.Of(next.State.Token?.RefreshExpiresAt),
            Parameter.Of(next.NextRenewal), Parameter.Of(next.LastSuccess), Parameter.Of(next.LastAttempt),
        ];
    }

    /// <summary>
    /// PostgreSQL reports success for a commit whose wait for a synchronous standby is canceled. So a change that decides what is sent, or that
    /// saves a token, is canceled only before it is sent.
    /// </summary>
    private static CancellationToken BeforeSent(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return CancellationToken.None;
    }

    private sealed record Outcome(string Source, string Name);
}
