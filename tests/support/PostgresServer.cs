using System.Text;
using Exporter.Postgres;

namespace Exporter.Tests.Support;

/// <summary>A PostgreSQL server of Debian with an empty database on a loopback port. It is removed when it is disposed of.</summary>
internal sealed class PostgresServer(int port) : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private readonly string directory = Directory.CreateTempSubdirectory("postgres-").FullName;

    public int Port => port;

    /// <summary>The address, as the setting <c>store</c>.</summary>
    public string Address => $"postgres://exporter@127.0.0.1:{Port}/exporter";

    public static async Task<PostgresServer> StartAsync(CancellationToken cancellationToken)
    {
        Peer.Find($"{Programs}/initdb");
        var server = new PostgresServer(FreePort.Take());
        try
        {
            await AsPostgresAsync(["chown", "postgres", server.directory], cancellationToken, asRoot: true);
            await AsPostgresAsync(
                [$"{Programs}/initdb", "-D", server.Data, "-U", "exporter", "--auth=trust", "--no-sync", "-E", "UTF8"], cancellationToken);
            await server.RunAsync(cancellationToken);
            await AsPostgresAsync([$"{Programs}/createdb", "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "exporter", "exporter"], cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private string Data => Path.Combine(directory, "data");

    /// <summary>The store's settings for this server.</summary>
    public PostgresOptions Options() =>
        new(PostgresOptions.Connection(new Uri(Address), password: null).Value!.ConnectionString, "test", HasSeveralHosts: false, "", InFlight: 100);

    /// <summary>Starts a synchronous standby of this server: from then on, a commit waits until the standby has it.</summary>
    /// <param name="standbyPort">By default, a free one.</param>
    public async Task<PostgresServer> StartStandbyAsync(CancellationToken cancellationToken, int? standbyPort = null)
    {
        var standby = new PostgresServer(standbyPort ?? FreePort.Take());
        try
        {
            await AsPostgresAsync(["chown", "postgres", standby.directory], cancellationToken, asRoot: true);
            await AsPostgresAsync(
                [$"{Programs}/pg_basebackup", "-h", "127.0.0.1", "-p", $"{Port}", "-U", "exporter", "-D", standby.Data, "-R", "-c", "fast", "--no-sync"],
                cancellationToken);
            await standby.RunAsync(cancellationToken);
            // After the copy, which must not wait for a standby of its own once it is the primary.
            await QueryAsync("alter system set synchronous_standby_names = '*'", cancellationToken);
            await QueryAsync("select pg_reload_conf()", cancellationToken);
            while (await QueryAsync("select count(*) from pg_stat_replication where sync_state = 'sync'", cancellationToken) != "1")
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
            }
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a standby the primary.</summary>
    public Task PromoteAsync(CancellationToken cancellationToken) =>
        AsPostgresAsync([$"{Programs}/pg_ctl", "promote", "-w", "-D", Data], cancellationToken);

    /// <summary>Starts the server again after <see cref="StopAsync"/>.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => AsPostgresAsync(
        [
            $"{Programs}/pg_ctl", "start", "-w", "-D", Data, "-l", Path.Combine(directory, "log"), "-o",
            $"-p {Port} -h 127.0.0.1 -k '' -c max_connections=200 -c shared_buffers=256MB",
        ], cancellationToken);

    /// <param name="mode"><c>fast</c>, or <c>immediate</c> for a crash.</param>
    public Task StopAsync(string mode, CancellationToken cancellationToken) =>
        AsPostgresAsync([$"{Programs}/pg_ctl", "stop", "-w", "-D", Data, "-m", mode], cancellationToken);

    /// <summary>Runs SQL and returns its output, unaligned.</summary>
    public async Task<string> QueryAsync(string sql, CancellationToken cancellationToken)
    {
        var (code, output, error) = await Peer.Run($"{Programs}/psql",
            ["-h", "127.0.0.1", "-p", $"{Port}", "-U", "exporter", "-d", "exporter", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql], default, cancellationToken);
        return code == 0 ? Encoding.UTF8.GetString(output).Trim() : throw new InvalidOperationException($"psql ended with {code}: {error}");
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync("immediate", CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            // It does not run.
        }
        Directory.Delete(directory, recursive: true);
    }

    /// <summary>PostgreSQL does not run as root.</summary>
    private static async Task AsPostgresAsync(string[] command, CancellationToken cancellationToken, bool asRoot = false)
    {
        string[] user = asRoot || Environment.UserName != "root" ? [] : ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
        string[] all = [.. user, .. command];
        var (code, output, error) = await Peer.Run(all[0], all[1..], default, cancellationToken);
        if (code != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} ended with {code}:\n{Encoding.UTF8.GetString(output)}{error}");
        }
    }
}
