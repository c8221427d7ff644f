using Exporter.Postgres;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>One PostgreSQL server with the current schema, for the tests of a class. Each test starts with <see cref="EmptyAsync"/>.</summary>
public sealed class SharedDatabase : IAsyncLifetime
{
    internal PostgresServer Server { get; private set; } = null!;

    internal Database Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await PostgresServer.StartAsync(TestContext.Current.CancellationToken);
        Database = Database.Open(Server.Options());
        Assert.Null(await new Migrations(Database, NullLogger<Migrations>.Instance).RunAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await Server.DisposeAsync();
    }

    internal Task EmptyAsync(CancellationToken cancellationToken) => QueryAsync("truncate account, counter, used_link, sent_request cascade", cancellationToken);

    /// <summary>Runs SQL and returns the first value as text; an empty text for NULL.</summary>
    internal async Task<string> QueryAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Database.Command(sql);
        return Convert.ToString(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>Waits until SQL returns this text.</summary>
    internal async Task UntilAsync(string sql, string expected, CancellationToken cancellationToken)
    {
        while (await QueryAsync(sql, cancellationToken) != expected)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Does work while the server is stopped, and returns when it runs again and this replica is connected.</summary>
    internal async Task StoppedAsync(ReplicaBench replica, Func<Task> work, CancellationToken cancellationToken)
    {
        await Server.StopAsync("immediate", cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            await Server.RunAsync(CancellationToken.None);
            await ConnectAsync(Database);
            await ConnectAsync(replica.Get<Database>());
        }
    }

    /// <summary>A pool returns each connection that the stop has broken once more.</summary>
    private static async Task ConnectAsync(Database database)
    {
        for (var successes = 0; successes < 12;)
        {
            try
            {
                await using var command = database.Command("select 1");
                await command.ExecuteScalarAsync();
                successes++;
            }
            catch (NpgsqlException)
            {
                successes = 0;
            }
        }
    }

    /// <summary>Makes every query on accounts wait until the result is disposed of.</summary>
    internal async Task<IAsyncDisposable> BlockAsync(CancellationToken cancellationToken)
    {
        var connection = await Database.ConnectAsync(cancellationToken);
        await using var command = new NpgsqlCommand("begin; lock table account in access exclusive mode", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return new Block(connection);
    }

    /// <summary>Waits until this number of queries waits for a lock.</summary>
    internal Task WaitingAsync(int queries, CancellationToken cancellationToken) =>
        UntilAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock'", $"{queries}", cancellationToken);

    private sealed class Block(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await using (var command = new NpgsqlCommand("commit", connection))
            {
                await command.ExecuteNonQueryAsync();
            }
            await connection.DisposeAsync();
        }
    }
}
