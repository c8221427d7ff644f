using Exporter.Postgres;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>A PostgreSQL server with many accounts of which none is due, and a provider that answers at once.</summary>
internal sealed class ManyRows : IAsyncDisposable
{
    /// <summary>More parameters of the store's address, to compare settings of connections: <c>?NoResetOnClose=true</c>.</summary>
    private static readonly string Parameters = Environment.GetEnvironmentVariable("CLUSTER_PARAMETERS") ?? "";

    private readonly TemporaryDirectory directory = new();
    private readonly PostgresServer postgres;
    private readonly Database database;

    private ManyRows(PostgresServer postgres, TokenIssuer issuer) =>
        (this.postgres, Issuer, database) = (postgres, issuer, Database.Open(postgres.Options()));

    public TokenIssuer Issuer { get; }

    public static async Task<ManyRows> FillAsync(int count, CancellationToken cancellationToken)
    {
        var postgres = await PostgresServer.StartAsync(cancellationToken);
        var rows = new ManyRows(postgres, await TokenIssuer.StartAsync(TimeSpan.FromHours(3), cancellationToken));
        try
        {
            // The module counts statements, and is loaded at the start.
            await postgres.QueryAsync("alter system set shared_preload_libraries = pg_stat_statements", cancellationToken);
            await postgres.StopAsync("fast", cancellationToken);
            await postgres.RunAsync(cancellationToken);
            await postgres.QueryAsync("create extension pg_stat_statements", cancellationToken);
            Replica.Configure(rows.directory, "client", "secret", new Uri(rows.Issuer.Address, "token"));
            Assert.Null(await new Migrations(rows.database, NullLogger<Migrations>.Instance).RunAsync(cancellationToken));
            await rows.CopyAsync(count, cancellationToken);
            await postgres.QueryAsync("vacuum (analyze) account", cancellationToken);
            await postgres.QueryAsync("checkpoint", cancellationToken);
            return rows;
        }
        catch
        {
            await rows.DisposeAsync();
            throw;
        }
    }

    public static Task PassAsync(int seconds, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellationToken);

    /// <summary>The milliseconds until the metrics are received.</summary>
    public static async Task<double> ScrapeAsync(Replica replica, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var page = await replica.Http.GetStringAsync("/metrics", cancellationToken);
        var elapsed = TimeProvider.System.GetElapsedTime(started);
        Assert.Contains("exporter_accounts{", page, StringComparison.Ordinal);
        return elapsed.TotalMilliseconds;
    }

    public Task<Replica> StartReplicaAsync(CancellationToken cancellationToken) =>
        Replica.StartAsync(directory, postgres.Address + Parameters, cancellationToken);

    /// <summary>Makes accounts in all parts of the table due at one time, after the statistics are empty again.</summary>
    public Task MakeDueAsync(int due, CancellationToken cancellationToken) => postgres.QueryAsync($"""
        update account set renew_at = now() + interval '30 s'
        where id in (select id from account order by hashint8(id) limit {due})
        """, cancellationToken);

    /// <summary>The seconds from the first request until so many renewals are saved.</summary>
    public async Task<double> RenewedAsync(int renewals, CancellationToken cancellationToken)
    {
        while (Issuer.Requests == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }
        var started = TimeProvider.System.GetTimestamp();
        while (await NumberAsync("select coalesce(sum(value), 0) from counter where name = 'renewed'", cancellationToken) < renewals)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        }
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    public async Task ResetAsync(CancellationToken cancellationToken) =>
        await postgres.QueryAsync("select pg_stat_reset(), pg_stat_statements_reset()", cancellationToken);

    /// <summary>The statements of the replica since <see cref="ResetAsync"/>.</summary>
    public async Task<(double Calls, double Milliseconds)> StatementsAsync(CancellationToken cancellationToken) => (
        await NumberAsync($"select coalesce(sum(calls), 0) from pg_stat_statements where {OfReplica}", cancellationToken),
        await NumberAsync($"select coalesce(sum(total_exec_time), 0) from pg_stat_statements where {OfReplica}", cancellationToken));

    /// <summary>The milliseconds that a statement took on average.</summary>
    public Task<double> MeanAsync(string like, CancellationToken cancellationToken) => NumberAsync(
        $"select coalesce(sum(total_exec_time) / sum(calls), 0) from pg_stat_statements where query like '{like}' and {OfReplica}", cancellationToken);

    public Task<double> CallsAsync(string like, CancellationToken cancellationToken) => NumberAsync(
        $"select coalesce(sum(calls), 0) from pg_stat_statements where query like '{like}' and {OfReplica}", cancellationToken);

    /// <summary>The milliseconds in which connections did something, of all statements and commits since <see cref="ResetAsync"/>.</summary>
    public Task<double> ActiveAsync(CancellationToken cancellationToken) =>
        NumberAsync("select active_time from pg_stat_database where datname = current_database()", cancellationToken);

    public Task<double> CommitsAsync(CancellationToken cancellationToken) =>
        NumberAsync("select xact_commit from pg_stat_database where datname = current_database()", cancellationToken);

    public Task<double> LostAsync(CancellationToken cancellationToken) =>
        NumberAsync("select count(*) from account where state <> 'active'", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await Issuer.DisposeAsync();
        await postgres.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>The statements of the measurement itself are others.</summary>
    private const string OfReplica = "query not like '%pg_stat%' and query not like '%coalesce(sum(value)%' and query not like '%hashint8%'";

    private async Task<double> NumberAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.Command(sql);
        return Convert.ToDouble(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task CopyAsync(int count, CancellationToken cancellationToken)
    {
        var keys = Replica.Keys(directory);
        var expires = TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1);
        var token = new Token
        {
            AccessToken = new Secret(new string('a', 64)),
            RefreshToken = new Secret(new string('r', 64)),
            ExpiresAt = expires,
        };
        await using var connection = await database.ConnectAsync(cancellationToken);
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy account (name, template, source, token, version, state, expires_at, renew_at) from stdin (format binary)", cancellationToken);
        copy.Timeout = TimeSpan.FromMinutes(10);
        for (var i = 0; i < count; i++)
        {
            var name = $"car-{i:0000000}";
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(name, cancellationToken);
            await copy.WriteAsync("fleet", cancellationToken);
            await copy.WriteAsync("oauth2", cancellationToken);
            await copy.WriteAsync(AccountRow.Seal(keys, name, token), cancellationToken);
            await copy.WriteAsync(1L, cancellationToken);
            await copy.WriteAsync("active", cancellationToken);
            await copy.WriteAsync(expires.UtcDateTime, cancellationToken);
            await copy.WriteAsync((expires - TimeSpan.FromHours(1) + (TimeSpan.FromHours(1) * i / count)).UtcDateTime, cancellationToken);
        }
        await copy.CompleteAsync(cancellationToken);
    }
}
