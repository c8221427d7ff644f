using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Exporter.Ergani;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A token in a table of one's own.</summary>
internal static class CustomStore
{
    public static async Task RunAsync(ErganiCredentials credentials)
    {
        var table = new ConcurrentDictionary<string, Row>();
        using var http = TokenEndpoint.CreateHttp();
        using var store = new TableStore(table, "tenant-7");
        await using var keeper = new Keeper(
            "ergani", new ErganiGrant(credentials, http, TimeProvider.System), store, new KeeperOptions(), TimeProvider.System, NullLogger.Instance);

        var token = await keeper.GetTokenAsync(CancellationToken.None);
        Console.WriteLine($"custom store: {(token is null ? "no token" : $"row {table.Keys.Single()}, generation {table.Values.Single().Generation}")}");
    }
}

/// <summary>A row of a table: the token as JSON, null after a logout, and a number that grows with every write.</summary>
internal sealed record Row(string? Json, int Generation);

/// <summary>
/// A store is four calls. Here they are a table's: <c>select</c>, <c>update … where generation = n</c>, the same without a token, and a lock,
/// which in PostgreSQL would be <c>pg_advisory_lock</c>. What goes wrong is an outcome (<see cref="Saved.Failed"/>) and not an exception.
/// </summary>
internal sealed class TableStore(ConcurrentDictionary<string, Row> table, string key) : ITokenStore, IDisposable
{
    private static readonly PlainTokenFormat Format = new();

    private readonly SemaphoreSlim gate = new(1);

    public string Location => $"row {key}";

    public ValueTask<Stored> ReadAsync(CancellationToken cancellation) => new(Read());

    public ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation)
    {
        var before = table.GetValueOrDefault(key);
        switch (Read())
        {
            // What somebody else has put there is never overwritten unseen; the keeper takes it over.
            case Stored.Held theirs when theirs.Stamp != expected:
                return new(new Saved.Conflict(theirs));
            case Stored.SignedOut when expected is not null:
                return new(new Saved.SignedOut());
        }
        var json = Encoding.UTF8.GetString(Format.Write(token, Encoding.UTF8.GetBytes(before?.Json ?? "")));
        var after = new Row(json, (before?.Generation ?? 0) + 1);
        var written = before is null ? table.TryAdd(key, after) : table.TryUpdate(key, after, before);
        return new(written ? new Saved.Done(Stamp(after)) : new Saved.Failed("somebody wrote at the same time"));
    }

    public ValueTask<Saved> SignOutAsync(CancellationToken cancellation)
    {
        var row = table.AddOrUpdate(key, _ => new Row(null, 1), (_, before) => new Row(null, before.Generation + 1));
        return new(new Saved.Done(Stamp(row)));
    }

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        return new StoreLock.Taken(Interrupted: null, Sending: () => { }, Released: () => gate.Release());
    }

    public void Dispose() => gate.Dispose();

    private Stored Read() => table.GetValueOrDefault(key) switch
    {
        null => new Stored.Empty(),
        { Json: null } => new Stored.SignedOut(),
        { Json: { } json } row => new Stored.Held(Format.Read(Encoding.UTF8.GetBytes(json)), Stamp(row)),
    };

    private static string Stamp(Row row) => row.Generation.ToString(CultureInfo.InvariantCulture);
}
