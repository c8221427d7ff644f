using Npgsql;

namespace Exporter.Postgres;

/// <summary>How the accounts of a template take readings.</summary>
internal enum ReadingKind { None, Polled, Streamed }

/// <summary>An account that a replica took to read it. Immutable.</summary>
/// <param name="Attempt">Counts the times that a replica took the row.</param>
/// <param name="SealedMemory">What only the next poll needs; null without.</param>
internal sealed record ReadingRow(AccountRow Account, long Attempt, byte[]? Content, byte[]? SealedMemory)
{
    /// <summary>What the source continues from; null before the first reading. A memory that cannot be opened costs requests only.</summary>
    public SavedReading? Saved(TokenKeys keys) =>
        Content is null ? null : new SavedReading(Content, SealedMemory is null ? null : keys.Open(MemoryOf(Account.Name), SealedMemory).Value);

    /// <summary>The associated data of a memory, so that it cannot replace the token of the account. No name contains a colon.</summary>
    public static string MemoryOf(string account) => $"memory:{account}";
}

/// <summary>
/// The statements on readings. Safe for concurrent use. Every member throws what <see cref="Database.IsFailure"/> recognizes if the database
/// does not do its part.
/// </summary>
/// <param name="holder">Identifies this replica in rows that it takes.</param>
internal sealed class ReadingRows(Database database, string holder)
{
    /// <summary>A stream whose owner does not confirm it within this time gets another owner.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Longer than a poll takes. If a poll takes longer, its reading is dropped, and another replica has polled.</summary>
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMinutes(5);

    private static readonly string TakePolls = Take("not is_stream");
    private static readonly string TakeStreams = Take("is_stream");

    /// <summary>
    /// Gives each account the row that its template needs. Templates that are not configured here are left alone, because another replica may
    /// have another configuration.
    /// </summary>
    public async Task PrepareAsync(IReadOnlyDictionary<string, ReadingKind> templates, CancellationToken cancellationToken)
    {
        NpgsqlParameter Named(ReadingKind kind) =>
            Parameter.Of(templates.Where(template => template.Value == kind).Select(template => template.Key).ToArray());

        await using var batch = database.Batch();
        batch.Add("delete from reading r using account a where a.id = r.account and a.template = any ($1)", Named(ReadingKind.None));
        batch.Add("update account set reads = false where reads and template = any ($1)", Named(ReadingKind.None));
        foreach (var kind in new[] { ReadingKind.Polled, ReadingKind.Streamed })
        {
            batch.Add("""
                insert into reading (account, is_stream) select id, $2 from account where template = any ($1)
                on conflict (account) do update set is_stream = excluded.is_stream where reading.is_stream <> excluded.is_stream
                """, Named(kind), Parameter.Of(kind == ReadingKind.Streamed));
            batch.Add("update account set reads = true where not reads and template = any ($1)", Named(kind));
        }
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Takes up to <paramref name="most"/> accounts whose poll is due.</summary>
    public Task<IReadOnlyList<ReadingRow>> TakeDueAsync(int most, CancellationToken cancellationToken) =>
        ReadAsync(TakePolls, [Parameter.Of(holder), Parameter.Of(most), Parameter.Of(LongestPoll.TotalSeconds)], cancellationToken);

    /// <summary>Takes up to <paramref name="most"/> streams without an owner.</summary>
    public Task<IReadOnlyList<ReadingRow>> TakeStreamsAsync(int most, CancellationToken cancellationToken) =>
        ReadAsync(TakeStreams, [Parameter.Of(holder), Parameter.Of(most), Parameter.Of(Lease.TotalSeconds)], cancellationToken);

    /// <summary>Confirms that this replica owns streams.</summary>
    /// <returns>The accounts that it still owns, and the versions of their tokens.</returns>
    public async Task<IReadOnlyDictionary<long, long>> ConfirmAsync(IReadOnlyCollection<ReadingRow> owned, CancellationToken cancellationToken)
    {
        if (owned.Count == 0)
        {
            return new Dictionary<long, long>();
        }
        await using var batch = database.Batch();
        foreach (var row in owned.OrderBy(row => row.Account.Id))
        {
            batch.Add("""
                update reading r set lock_until = now() + $3 * interval '1 s' from account a
                where a.id = r.account and r.account = $1 and r.attempt = $2 and r.is_stream returning a.id, a.version
                """, Parameter.Of(row.Account.Id), Parameter.Of(row.Attempt), Parameter.Of(Lease.TotalSeconds));
        }
        var confirmed = await batch.ReadAllAsync(reader => new Confirmation(reader.GetInt64(0), reader.GetInt64(1)), cancellationToken);
        return confirmed.ToDictionary(one => one.Account, one => one.Version);
    }

    /// <summary>Saves a reading and gives the row back, unless another replica has taken it since.</summary>
    /// <param name="needsToken">Whether the poll failed without a working token. If the account has another one by now, it is due at once.</param>
    /// <param name="nextIn">From now.</param>
    /// <returns>Whether it was saved.</returns>
    public async Task<bool> SaveAsync(
        ReadingRow row, byte[] content, byte[]? sealedMemory, bool needsToken, TimeSpan nextIn, CancellationToken cancellationToken)
    {
        await using var command = database.Command("""
            update reading set content = $3, memory = $4, needs_token = $5, holder = null, lock_until = null,
              due_at = case when $5 and exists (select 1 from account where id = $1 and version <> $7) then now()
                else now() + $6 * interval '1 s' end
            where account = $1 and attempt = $2
            """, Parameter.Of(row.Account.Id), Parameter.Of(row.Attempt), Parameter.Of(content), Parameter.Of(sealedMemory),
            Parameter.Of(needsToken), Parameter.Of(nextIn.TotalSeconds), Parameter.Of(row.Account.Version));
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Saves the latest values of streams, except of those that another replica has taken since. It keeps the rows.</summary>
    public async Task SaveAsync(IEnumerable<(ReadingRow Row, byte[] Content)> streams, CancellationToken cancellationToken)
    {
        await using var batch = database.Batch();
        foreach (var (row, content) in streams.OrderBy(stream => stream.Row.Account.Id))
        {
            batch.Add("update reading set content = $3 where account = $1 and attempt = $2",
                Parameter.Of(row.Account.Id), Parameter.Of(row.Attempt), Parameter.Of(content));
        }
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Gives the row back without a reading, to be taken again after a time.</summary>
    public async Task ReleaseAsync(ReadingRow row, TimeSpan retryIn, CancellationToken cancellationToken)
    {
        await using var command = database.Command("""
            update reading set holder = null, lock_until = null, due_at = now() + $3 * interval '1 s' where account = $1 and attempt = $2
            """, Parameter.Of(row.Account.Id), Parameter.Of(row.Attempt), Parameter.Of(retryIn.TotalSeconds));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Accounts with readings and what is saved of them.</summary>
    /// <param name="ids">Only these; null for all.</param>
    public Task<IReadOnlyList<ReadingRow>> ListAsync(IReadOnlyCollection<long>? ids, CancellationToken cancellationToken) => ReadAsync(
        $"""
        select {AccountRow.Columns}, r.attempt, r.content, null::bytea from account a join reading r on r.account = a.id
        where $1 is null or a.id = any ($1)
        """, [Parameter.Of(ids?.ToArray())], cancellationToken);

    /// <param name="kind">A condition on rows, and not a parameter, so that the index of these rows is used.</param>
    private static string Take(string kind) => $"""
        with taken as (
          select account from reading where {kind} and due_at <= now() and (lock_until is null or lock_until < now())
          order by due_at limit $2 for update skip locked)
        update reading r set holder = $1, attempt = r.attempt + 1, lock_until = now() + $3 * interval '1 s'
        from taken, account a where r.account = taken.account and a.id = r.account
        returning {AccountRow.Columns}, r.attempt, r.content, r.memory
        """;

    private async Task<IReadOnlyList<ReadingRow>> ReadAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = database.Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ReadingRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new ReadingRow(AccountRow.Read(reader), reader.GetInt64(20), reader.Bytes(21), reader.Bytes(22)));
        }
        return rows;
    }

    private sealed record Confirmation(long Account, long Version);
}
