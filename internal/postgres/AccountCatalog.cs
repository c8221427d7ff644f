using Npgsql;

namespace Exporter.Postgres;

/// <summary>An account to be created.</summary>
/// <param name="Token">Sealed; null without a login.</param>
internal sealed record NewRow(string Name, string Template, string Source, byte[]? Token, TokenProgress Progress)
{
    public ReadingKind Readings { get; init; }
}

/// <summary>
/// Which accounts exist: creates, lists and deletes rows. Safe for concurrent use. Every member throws what <see cref="Database.IsFailure"/>
/// recognizes if the database does not do its part.
/// </summary>
internal sealed class AccountCatalog(Database database)
{
    private const string Insert = """
        insert into account (name, template, source, token, version, state, expires_at, refresh_expires_at, renew_at, reads)
        values ($1, $2, $3, $4, case when $4 is null then 0 else 1 end, $5, $6, $7, $8, $9) on conflict (name) do nothing returning name
        """;

    /// <summary>If the name was not free, the other account may be of another template, and has its row already.</summary>
    private const string InsertReading = """
        insert into reading (account, is_stream) select id, $2 from account where name = $1 and reads on conflict (account) do nothing
        """;

    private const string Matching = """
        where ($1 is null or a.state = $1) and ($2 is null or a.source = $2)
          and ($3 is null or position(lower($3) in lower(a.name)) > 0) and ($4 is null or a.template = any (string_to_array($4, ',')))
        """;

    /// <summary>More matches are not counted, because each count reads them all.</summary>
    public const int MostCounted = 10_000;

    /// <summary>Creates accounts in one transaction.</summary>
    /// <returns>The names that were free. The other accounts are unchanged.</returns>
    public async Task<IReadOnlySet<string>> CreateAsync(IReadOnlyList<NewRow> rows, CancellationToken cancellationToken)
    {
        await using var batch = database.Batch();
        // In one order, so that two replicas never wait for each other.
        foreach (var row in rows.OrderBy(row => row.Name, StringComparer.Ordinal))
        {
            batch.Add(Insert,
                Parameter.Of(row.Name), Parameter.Of(row.Template), Parameter.Of(row.Source), Parameter.Of(row.Token),
                Parameter.Of(AccountMetrics.NameOf(row.Progress.State)), Parameter.Of(row.Progress.State.Token?.ExpiresAt),
                Parameter.Of(row.Progress.State.Token?.RefreshExpiresAt), Parameter.Of(row.Progress.NextRenewal),
                Parameter.Of(row.Readings is not ReadingKind.None));
            if (row.Readings is not ReadingKind.None)
            {
                batch.Add(InsertReading, Parameter.Of(row.Name), Parameter.Of(row.Readings is ReadingKind.Streamed));
            }
        }
        return await batch.ReadAllAsync(reader => reader.GetString(0), cancellationToken);
    }

    /// <summary>The accounts in ascending order of their names, one more than the limit if there are more, and how many match.</summary>
    public async Task<(IReadOnlyList<AccountRow> Rows, long Total)> ListAsync(SharedAccountQuery query, CancellationToken cancellationToken)
    {
        // Names of templates contain no comma.
        NpgsqlParameter[] Filters() =>
        [
            Parameter.Of(query.State), Parameter.Of(query.Source), Parameter.Of(query.Find),
            Parameter.Of(query.Templates is null ? null : string.Join(',', query.Templates)),
        ];

        await using var batch = database.Batch();
        batch.Add($"select {AccountRow.Columns} from account a {Matching} and ($5 is null or a.name > $5) order by a.name limit $6",
            [.. Filters(), Parameter.Of(query.After), Parameter.Of(query.Limit + 1)]);
        batch.Add($"select count(*) from (select 1 from account a {Matching} limit {MostCounted + 1}) matching", Filters());
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<AccountRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(AccountRow.Read(reader));
        }
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (rows, reader.GetInt64(0));
    }

    /// <returns>False if the link was used before.</returns>
    public async Task<bool> UseLinkAsync(string id, DateTimeOffset until, CancellationToken cancellationToken)
    {
        await using var command = database.Command("""
            with expired as (delete from used_link where until < now())
            insert into used_link (id, until) values ($1, $2) on conflict (id) do nothing
            """, Parameter.Of(id), Parameter.Of(until));
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    public async Task<bool> IsLinkUsedAsync(string id, CancellationToken cancellationToken)
    {
        await using var command = database.Command("select 1 from used_link where id = $1", Parameter.Of(id));
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    /// <returns>Whether there was such an account.</returns>
    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await using var command = database.Command("delete from account where name = $1", Parameter.Of(name));
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }
}
