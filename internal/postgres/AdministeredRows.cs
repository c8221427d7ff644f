using Npgsql;

namespace Exporter.Postgres;

/// <summary>A row that only an export uses.</summary>
/// <param name="RenewAt">When a renewal was due before; null if none was, or if an earlier export holds the row.</param>
/// <param name="WasHeld">Whether an earlier export, which did not finish, holds it.</param>
internal sealed record HeldRow(AccountRow Row, DateTimeOffset? RenewAt, bool WasHeld);

/// <summary>A token, as it is sealed.</summary>
internal sealed record SealedToken(long Id, string Name, byte[] Content, long Version);

/// <summary>
/// The statements of an administrator. Safe for concurrent use, and while replicas run. Every member throws what <see cref="Database.IsFailure"/>
/// recognizes if the database does not do its part.
/// </summary>
internal sealed class AdministeredRows(Database database)
{
    /// <summary>The holder of a row that is being exported. Replicas have names of hosts, which contain no blank.</summary>
    private const string Exporting = "store export";

    /// <summary>
    /// Without an end, so that no replica takes the row between the file's token and the deletion, even after a crash. Only another export
    /// continues. The request in flight of a replica comes first, as in <see cref="AccountRows.TakeAsync"/>.
    /// </summary>
    private const string Hold = $"""
        with free as (
          select id, sent_at, renew_at, holder is not distinct from $2 as was_held from account
          where id = $1 and (lock_until is null or lock_until < now() or holder = $2) for update)
        update account a set holder = $2, attempt = a.attempt + 1, sent_at = null, lock_until = 'infinity', renew_at = null,
          error = 'the token is being moved to a file; finish with: oauth-exporter-cluster store export ' || a.name
        from free where a.id = free.id
        returning {AccountRow.Columns}, free.sent_at, free.renew_at, free.was_held
        """;

    /// <summary>Whether an export holds the row, or one did not finish.</summary>
    public async Task<bool> IsHeldAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = database.Command("select 1 from account where id = $1 and holder = $2", Parameter.Of(id), Parameter.Of(Exporting));
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    /// <summary>Takes a row for an export. Null if a request is in flight, or if the row is gone.</summary>
    public async Task<HeldRow?> HoldAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = database.Command(Hold, Parameter.Of(id), Parameter.Of(Exporting));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new HeldRow(AccountRow.Read(reader, isTaken: true), reader.Time(21), reader.GetBoolean(22))
            : null;
    }

    /// <summary>Returns a row to the replicas, because its token could not be moved.</summary>
    public async Task ReturnAsync(HeldRow held, CancellationToken cancellationToken)
    {
        // After an earlier export, the time is gone. A replica that takes the row asks the lifecycle.
        await using var command = database.Command($"""
            update account set {AccountRows.Released}, error = null, renew_at = case when $4 then now() else $3 end
            where id = $1 and attempt = $2
            """, Parameter.Of(held.Row.Id), Parameter.Of(held.Row.Attempt), Parameter.Of(held.RenewAt),
            new NpgsqlParameter<bool> { TypedValue = held.WasHeld });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Deletes a row whose token was moved.</summary>
    /// <returns>False if the row has another token now.</returns>
    public async Task<bool> DeleteAsync(HeldRow held, CancellationToken cancellationToken)
    {
        await using var command = database.Command(
            "delete from account where id = $1 and version = $2 and holder = $3",
            Parameter.Of(held.Row.Id), Parameter.Of(held.Row.Version), Parameter.Of(Exporting));
        if (await command.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
            return true;
        }
        await using var exists = database.Command("select 1 from account where id = $1", Parameter.Of(held.Row.Id));
        return await exists.ExecuteScalarAsync(cancellationToken) is null;
    }

    /// <summary>The next tokens in ascending order of their IDs.</summary>
    public async Task<IReadOnlyList<SealedToken>> TokensAsync(long after, int most, CancellationToken cancellationToken)
    {
        await using var command = database.Command(
            "select id, name, token, version from account where id > $1 and token is not null order by id limit $2",
            Parameter.Of(after), Parameter.Of(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var tokens = new List<SealedToken>();
        while (await reader.ReadAsync(cancellationToken))
        {
            tokens.Add(new SealedToken(reader.GetInt64(0), reader.GetString(1), reader.Bytes(2)!, reader.GetInt64(3)));
        }
        return tokens;
    }

    /// <summary>
    /// Replaces tokens by the same tokens with another seal, in one transaction. The version counts changes of the token, so it stays, and a
    /// replica that renews meanwhile can save its result.
    /// </summary>
    /// <returns>How many were replaced. The others have another token, or are gone.</returns>
    public async Task<int> ReplaceSealsAsync(IReadOnlyList<SealedToken> tokens, CancellationToken cancellationToken)
    {
        await using var batch = database.Batch();
        foreach (var token in tokens)
        {
            batch.Add("update account set token = $3 where id = $1 and version = $2 and token is not null",
                Parameter.Of(token.Id), Parameter.Of(token.Version), Parameter.Of(token.Content));
        }
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
