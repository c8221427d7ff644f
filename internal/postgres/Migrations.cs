using System.Reflection;
using Npgsql;

namespace Exporter.Postgres;

/// <summary>
/// Brings the schema up to date: numbered SQL files, forward only, each in a transaction of its own. Replicas that start together take turns.
/// </summary>
internal sealed class Migrations(Database database, ILogger<Migrations> logger)
{
    /// <summary>Identifies this program's migrations among the advisory locks of the database.</summary>
    private const long LockId = 0x6F61757468657870;

    /// <summary>The error of a database that starts, which is ready soon.</summary>
    private const string Starting = PostgresErrorCodes.CannotConnectNow;

    private static readonly Assembly Here = typeof(Migrations).Assembly;

    /// <summary>The files in ascending order: <c>001_accounts.sql</c>.</summary>
    private static IReadOnlyList<(int Number, string Name)> Files { get; } =
        [.. Here.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(name => (int.Parse(name.AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture), name))];

    /// <summary>The version of the schema that this program works with.</summary>
    public static int Latest => Files[^1].Number;

    /// <returns>Why the program cannot work with this database, as a sentence without a full stop; null if it can.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.ConnectAsync(cancellationToken);
            await ExecuteAsync(connection, $"select pg_advisory_lock({LockId})", cancellationToken);
            try
            {
                return await RunAsync(connection, cancellationToken);
            }
            finally
            {
                // Closing the connection would release it as well, but a pool keeps connections open.
                await ExecuteAsync(connection, $"select pg_advisory_unlock({LockId})", CancellationToken.None);
            }
        }
        catch (PostgresException e) when (!e.IsTransient && e.SqlState is not Starting)
        {
            return $"the schema of the database cannot be used: {Database.Describe(e)}";
        }
    }

    private async Task<string?> RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, """
            create table if not exists migration (number int primary key, name text not null, applied_at timestamptz not null default now())
            """, cancellationToken);
        await using var newest = new NpgsqlCommand("select coalesce(max(number), 0) from migration", connection);
        var applied = (int)(await newest.ExecuteScalarAsync(cancellationToken))!;
        if (applied > Latest)
        {
            return $"the database has the schema {applied} of a newer version of this program, which works with {Latest}; update this replica";
        }
        foreach (var (number, name) in Files.Where(file => file.Number > applied))
        {
            using var reader = new StreamReader(Here.GetManifestResourceStream(name)!);
            var sql = await reader.ReadToEndAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, sql, cancellationToken);
            await using var record = new NpgsqlCommand("insert into migration (number, name) values ($1, $2)", connection, transaction);
            record.Parameters.Add(Parameter.Of(number));
            record.Parameters.Add(Parameter.Of(name));
            await record.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            logger.LogInformation("the database has the schema {Name} now", name);
        }
        return null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
