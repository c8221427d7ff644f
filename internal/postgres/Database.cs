using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Exporter.Postgres;

/// <summary>The connections to PostgreSQL. Safe for concurrent use.</summary>
internal sealed class Database(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>When a caller may try again after a failure.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>Whether the exception says that the database did not do what it was asked to, or that its answer was lost.</summary>
    public static bool IsFailure(Exception e) => e is NpgsqlException or TimeoutException or IOException or SocketException;

    /// <summary>Whether the database can never take a value of the command, so that a repetition is of no use.</summary>
    public static bool IsPermanent(Exception e) => e is PostgresException { SqlState: ['2', '2' or '3', ..] };

    /// <summary>The reason in a sentence without a full stop. It contains no secret.</summary>
    public static string Describe(Exception e) => e switch
    {
        PostgresException { MessageText: var text } => $"the database rejects the command: {Sanitize.Line(text)}",
        _ when e.GetBaseException() is TimeoutException => "the database did not answer in time",
        _ => $"the database cannot be reached: {Sanitize.Line(e.GetBaseException().Message)}",
    };

    /// <summary>Runs work whose caller can only try again later if the database does not do its part.</summary>
    /// <exception cref="StoreUnavailableException">The database did not do its part.</exception>
    public static async Task<T> OrUnavailableAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw new StoreUnavailableException(Describe(e), RetryAfter, e);
        }
    }

    /// <summary>Opens no connection yet.</summary>
    public static Database Open(PostgresOptions options)
    {
        var builder = new NpgsqlSlimDataSourceBuilder(options.ConnectionString);
        builder.EnableTransportSecurity();
        builder.EnableArrays();
        // After a failover, only the new primary takes writes.
        return new Database(options.HasSeveralHosts
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : builder.Build());
    }

    public ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken) => source.OpenConnectionAsync(cancellationToken);

    public NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }
        return command;
    }

    public NpgsqlBatch Batch() => source.CreateBatch();

    public ValueTask DisposeAsync() => source.DisposeAsync();
}

/// <summary>Typed parameters, by position. A null is sent as NULL of the right type.</summary>
internal static class Parameter
{
    public static NpgsqlParameter Of(long? value) => value is { } number
        ? new NpgsqlParameter<long> { TypedValue = number }
        : new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint };

    public static NpgsqlParameter Of(long[]? value) => value is null
        ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Bigint }
        : new NpgsqlParameter<long[]> { TypedValue = value };

    public static NpgsqlParameter Of(string[] value) => new NpgsqlParameter<string[]> { TypedValue = value };

    public static NpgsqlParameter Of(bool value) => new NpgsqlParameter<bool> { TypedValue = value };

    public static NpgsqlParameter Of(double? value) => value is { } number
        ? new NpgsqlParameter<double> { TypedValue = number }
        : new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Double };

    public static NpgsqlParameter Of(int value) => new NpgsqlParameter<int> { TypedValue = value };

    /// <summary>PostgreSQL's text is valid UTF-8 without NUL. Texts of providers may contain half of a surrogate pair.</summary>
    public static NpgsqlParameter Of(string? value) => value is null
        ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }
        : new NpgsqlParameter<string> { TypedValue = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value.Replace('\0', ' '))) };

    public static NpgsqlParameter Of(byte[]? value) => value is null
        ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea }
        : new NpgsqlParameter<byte[]> { TypedValue = value };

    /// <summary>PostgreSQL's timestamps end before the year 294276, and <see cref="DateTimeOffset.MaxValue"/> means "not scheduled".</summary>
    public static NpgsqlParameter Of(DateTimeOffset? value) => value is not { } at || at == DateTimeOffset.MaxValue
        ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz }
        : new NpgsqlParameter<DateTime> { TypedValue = at.UtcDateTime };
}

internal static class DataReaderExtensions
{
    public static string? Text(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static byte[]? Bytes(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    public static DateTimeOffset? Time(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new DateTimeOffset(reader.GetDateTime(column));
}

internal static class BatchExtensions
{
    public static void Add(this NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = batch.CreateBatchCommand();
        command.CommandText = sql;
        command.Parameters.AddRange(parameters);
        batch.BatchCommands.Add(command);
    }

    /// <summary>Executes the batch and reads a value from each row of all results.</summary>
    public static async Task<IReadOnlySet<T>> ReadAllAsync<T>(
        this NpgsqlBatch batch, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var values = new HashSet<T>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                values.Add(read(reader));
            }
        }
        while (await reader.NextResultAsync(cancellationToken));
        return values;
    }
}
