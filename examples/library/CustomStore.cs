using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Exporter.Ergani;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A token in your own table.</summary>
internal static class CustomStore
{
    public static async Task RunAsync(ErganiCredentials credentials)
    {
        var table = new ConcurrentDictionary<string, Row>();
        using var http = TokenEndpoint.CreateHttp();
        using var store = new TableStore(table, "tenant-7");
        var time = TimeProvider.System;
        var grant = new ErganiGrant(credentials, http, time);
        await using var manager = new TokenManager(
            "ergani", grant, store, new TokenManagerOptions(), time, NullLogger<TokenManager>.Instance);

        var token = await manager.GetTokenAsync(CancellationToken.None);
        var row = $"row {table.Keys.Single()}, generation {table.Values.Single().Generation}";
        Console.WriteLine($"custom store: {(token is null ? "no token" : row)}");
    }
}

/// <summary>A row: the token as JSON, or null after a logout, and a number that increases with every write.</summary>
internal sealed record Row(string? Json, int Generation);

/// <summary>
/// A store has four methods. In a table they are <c>select</c>, <c>update … where generation = n</c>, the same without a token, and a lock,
/// such as PostgreSQL's <c>pg_advisory_lock</c>. A failure is a result (<see cref="WriteResult.Failed"/>), not an exception.
/// </summary>
internal sealed class TableStore(ConcurrentDictionary<string, Row> table, string key) : ITokenStore, IDisposable
{
    private static readonly PlainTokenFormat Format = new();

    private readonly SemaphoreSlim gate = new(1);

    public string Location => $"row {key}";

    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) => new(Read());

    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => default;

    public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        var before = table.GetValueOrDefault(key);
        switch (Read())
        {
            // Never overwrite an unread token of another writer: the token manager adopts it.
            case ReadResult.Held theirs when theirs.Stamp != expected:
                return new(new WriteResult.Conflict(theirs));
            case ReadResult.LoggedOut when expected is not null:
                return new(new WriteResult.LoggedOut());
        }
        var json = Encoding.UTF8.GetString(Format.Write(token, Encoding.UTF8.GetBytes(before?.Json ?? "")));
        var after = new Row(json, (before?.Generation ?? 0) + 1);
        var written = before is null ? table.TryAdd(key, after) : table.TryUpdate(key, after, before);
        return new(written ? new WriteResult.Written(Stamp(after)) : new WriteResult.Failed("another process wrote at the same time"));
    }

    public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken)
    {
        var row = table.AddOrUpdate(key, _ => new Row(null, 1), (_, before) => new Row(null, before.Generation + 1));
        return new(new WriteResult.Written(Stamp(row)));
    }

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        return new StoreLock.Taken(Interrupted: null, Sending: () => null, Released: () => gate.Release());
    }

    public void Dispose() => gate.Dispose();

    private ReadResult Read() => table.GetValueOrDefault(key) switch
    {
        null => new ReadResult.Empty(),
        { Json: null } => new ReadResult.LoggedOut(),
        { Json: { } json } row => new ReadResult.Held(Format.Read(Encoding.UTF8.GetBytes(json)), Stamp(row)),
    };

    private static string Stamp(Row row) => row.Generation.ToString(CultureInfo.InvariantCulture);
}
