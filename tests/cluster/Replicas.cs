using Exporter.Postgres;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// Replicas of the real program over a real PostgreSQL, with accounts at a strict provider: a refresh token works once, and a second use revokes
/// the login.
/// </summary>
internal sealed class Replicas : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();

    private Replicas(PostgresServer postgres, SandboxServer sandbox) => (Postgres, Sandbox) = (postgres, sandbox);

    /// <summary>The primary.</summary>
    public PostgresServer Postgres { get; private set; }

    /// <summary>The synchronous standby; null without.</summary>
    public PostgresServer? Standby { get; private set; }

    public SandboxServer Sandbox { get; }

    /// <summary>The running replicas. A test that ends one removes it.</summary>
    public List<Replica> Running { get; } = [];

    /// <summary>What the provider has counted.</summary>
    public AuthorizationCounters Counters => Sandbox.Netatmo.Authorization.Counters;

    /// <param name="lifetime">Of access tokens.</param>
    /// <param name="read">Whether the accounts are of the template <c>home</c> instead of <c>fleet</c>.</param>
    /// <param name="delay">How long the provider takes for a token.</param>
    public static async Task<Replicas> StartAsync(
        int accounts, TimeSpan lifetime, TimeSpan delay, int count, CancellationToken cancellationToken, bool read = false)
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Providers = [new NetatmoProviderOptions { Lifetimes = new(lifetime, TimeSpan.FromDays(30), TimeSpan.FromMinutes(5)), Limits = [] }],
        }, cancellationToken);
        var replicas = new Replicas(await PostgresServer.StartAsync(cancellationToken), sandbox);
        try
        {
            Replica.Configure(
                replicas.directory, sandbox.Netatmo.ClientId, sandbox.Netatmo.ClientSecret, new Uri(sandbox.Address, "oauth2/token"));
            await replicas.SeedAsync(accounts, lifetime, read, cancellationToken);
            if (delay > TimeSpan.Zero)
            {
                sandbox.Netatmo.Token.Fail(new Fault.Delay(delay.TotalSeconds), int.MaxValue);
            }
            for (var i = 0; i < count; i++)
            {
                replicas.Running.Add(await replicas.StartReplicaAsync(cancellationToken));
            }
            return replicas;
        }
        catch
        {
            await replicas.DisposeAsync();
            throw;
        }
    }

    /// <param name="store">The address of the database; by default its own.</param>
    public Task<Replica> StartReplicaAsync(CancellationToken cancellationToken, string? store = null) =>
        Replica.StartAsync(directory, store ?? Postgres.Address, cancellationToken);

    /// <summary>Starts a replica at the address of one that has ended, so that a proxy finds it.</summary>
    public Task<Replica> RestartAsync(Replica ended, CancellationToken cancellationToken) =>
        Replica.StartAsync(directory, Postgres.Address, cancellationToken, ended.Port);

    /// <summary>nginx in front of the running replicas.</summary>
    public Task<Proxy> StartProxyAsync(CancellationToken cancellationToken) =>
        Proxy.StartAsync(directory, [.. Running.Select(replica => replica.Port)], cancellationToken);

    /// <summary>Gives the database a synchronous standby.</summary>
    /// <returns>The address of both, as the setting <c>store</c>.</returns>
    public async Task<string> StartStandbyAsync(CancellationToken cancellationToken)
    {
        Standby = await Postgres.StartStandbyAsync(cancellationToken);
        return $"{Postgres.Address}?host=127.0.0.1:{Postgres.Port},127.0.0.1:{Standby.Port}";
    }

    /// <summary>The primary crashes and its data is gone, and the standby takes over. A new standby starts at the address of the old primary.</summary>
    public async Task FailOverAsync(CancellationToken cancellationToken)
    {
        var (crashed, standby) = (Postgres, Standby!);
        await crashed.DisposeAsync();
        await standby.PromoteAsync(cancellationToken);
        (Postgres, Standby) = (standby, null);
        Standby = await standby.StartStandbyAsync(cancellationToken, crashed.Port);
    }

    /// <summary>The accounts that lost their login, as the rows say.</summary>
    public Task<IReadOnlyList<string>> LostAsync(CancellationToken cancellationToken) => NamesAsync("state = 'lost'", cancellationToken);

    /// <summary>The accounts whose request this replica has sent, or is about to send, and has not saved.</summary>
    public Task<IReadOnlyList<string>> HeldAsync(Replica replica, CancellationToken cancellationToken) =>
        NamesAsync($"sent_at is not null and holder like '%-{replica.ProcessId}'", cancellationToken);

    /// <summary>The number of requests that a replica has sent and not saved.</summary>
    public async Task<int> InFlightAsync(CancellationToken cancellationToken) =>
        int.Parse(await Postgres.QueryAsync("select count(*) from account where sent_at is not null", cancellationToken));

    /// <summary>Waits until the provider has rotated this many tokens since the start.</summary>
    public async Task RotatesAsync(int rotations, CancellationToken cancellationToken)
    {
        while (Counters.Rotations < rotations)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Running)
        {
            await replica.DisposeAsync();
        }
        await Sandbox.DisposeAsync();
        if (Standby is not null)
        {
            await Standby.DisposeAsync();
        }
        await Postgres.DisposeAsync();
        directory.Dispose();
    }

    private async Task<IReadOnlyList<string>> NamesAsync(string condition, CancellationToken cancellationToken) =>
        (await Postgres.QueryAsync($"select name from account where {condition}", cancellationToken))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task SeedAsync(int accounts, TimeSpan lifetime, bool read, CancellationToken cancellationToken)
    {
        var keys = Replica.Keys(directory);
        await using var database = Database.Open(Postgres.Options());
        Assert.Null(await new Migrations(database, NullLogger<Migrations>.Instance).RunAsync(cancellationToken));
        var catalog = new AccountCatalog(database);
        var now = TimeProvider.System.GetUtcNow();
        for (var first = 0; first < accounts; first += 1000)
        {
            var rows = Enumerable.Range(first, Math.Min(1000, accounts - first)).Select(i =>
            {
                var issued = Sandbox.Netatmo.Login();
                var token = new Token
                {
                    AccessToken = new Secret(issued.AccessToken),
                    RefreshToken = new Secret(issued.RefreshToken),
                    ExpiresAt = now + issued.ExpiresIn,
                };
                // Spread out, as renewals are after a while.
                var due = now + (lifetime * 0.8 * i / accounts);
                return new NewRow($"car-{i:00000}", read ? "home" : "fleet", read ? "netatmo" : "oauth2", AccountRow.Seal(keys, $"car-{i:00000}", token),
                    new TokenProgress(new TokenState.Active(token, due, 0), "1", due))
                { Readings = read ? ReadingKind.Polled : ReadingKind.None };
            });
            await catalog.CreateAsync([.. rows], cancellationToken);
        }
    }
}
