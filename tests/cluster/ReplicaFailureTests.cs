using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// What happens to logins when replicas and the database fail. <c>CLUSTER_ACCOUNTS</c> and <c>CLUSTER_ROUNDS</c> make the table of
/// tests/cluster/README.md from these tests.
/// </summary>
[Trait("Suite", "slow")]
public sealed class ReplicaFailureTests(ITestOutputHelper output)
{
    private static readonly int Accounts = Figures.Number("CLUSTER_ACCOUNTS", 600);
    private static readonly int Rounds = Figures.Number("CLUSTER_ROUNDS", 1);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(Figures.Number("CLUSTER_LIFETIME", 60));
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(0.5);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_replica_loses_only_the_logins_that_are_in_flight()
    {
        await using var replicas = await StartAsync();
        var inFlight = new List<string>();
        for (var round = 1; round <= Rounds; round++)
        {
            var victim = replicas.Running[0];
            await FlyingAsync(replicas, victim);
            // Stopped first, so that the number is the one at the kill.
            await victim.Signal("STOP", Stop);
            inFlight.AddRange(await replicas.HeldAsync(victim, Stop));
            await victim.Signal("KILL", Stop);
            await victim.DisposeAsync();
            replicas.Running[0] = await replicas.StartReplicaAsync(Stop);
            await ContinueAsync(replicas);
            Report(replicas, $"round {round}: kill -9, {inFlight.Count} in flight at all kills");
        }
        await WholeCycleAsync(replicas);
        var lost = await replicas.LostAsync(Stop);
        Report(replicas, $"after a cycle, {lost.Count} of them lost");
        Assert.Subset(inFlight.ToHashSet(), lost.ToHashSet());
        Assert.Equal(lost.Count, replicas.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task A_replica_that_was_stopped_saves_what_it_received()
    {
        await using var replicas = await StartAsync();
        for (var round = 1; round <= Rounds; round++)
        {
            var stopped = replicas.Running[0];
            await FlyingAsync(replicas, stopped);
            await stopped.Signal("STOP", Stop);
            var inFlight = (await replicas.HeldAsync(stopped, Stop)).Count;
            await Task.Delay(Lifetime * 0.15, TimeProvider.System, Stop);
            await stopped.Signal("CONT", Stop);
            await ContinueAsync(replicas);
            Report(replicas, $"round {round}: SIGSTOP, {inFlight} in flight");
        }
        await NothingIsLostAsync(replicas);
    }

    [Fact]
    public async Task A_replica_without_the_database_sends_nothing_and_saves_its_results_later()
    {
        await using var replicas = await StartAsync(replicas: 2);
        await using var network = new TcpRelay(replicas.Postgres.Port);
        var cutOff = await replicas.StartReplicaAsync(Stop, $"postgres://exporter@127.0.0.1:{network.Port}/exporter");
        replicas.Running.Add(cutOff);
        for (var round = 1; round <= Rounds; round++)
        {
            await FlyingAsync(replicas, cutOff);
            network.Cut();
            var inFlight = (await replicas.HeldAsync(cutOff, Stop)).Count;
            await Task.Delay(Lifetime * 0.1125, TimeProvider.System, Stop);
            Assert.Equal("0", await replicas.Postgres.QueryAsync("select count(*) from account where expires_at < now()", Stop));
            network.Join();
            await ContinueAsync(replicas);
            Report(replicas, $"round {round}: cut off, {inFlight} in flight");
        }
        await NothingIsLostAsync(replicas);
    }

    [Fact]
    public async Task A_rolling_restart_loses_nothing()
    {
        await using var replicas = await StartAsync();
        await using var proxy = await replicas.StartProxyAsync(Stop);
        await using var scrapes = new Scrapes(proxy.Address, page => page.Contains("exporter_accounts{", StringComparison.Ordinal));
        for (var round = 1; round <= Rounds; round++)
        {
            for (var i = 0; i < replicas.Running.Count; i++)
            {
                await FlyingAsync(replicas);
                var ending = replicas.Running[i];
                await ending.Signal("TERM", Stop);
                Assert.Equal(0, await ending.Ends(Stop));
                await ending.DisposeAsync();
                replicas.Running[i] = await replicas.RestartAsync(ending, Stop);
            }
            Report(replicas, $"round {round}: rolling restart, {scrapes.Count} scrapes of which {scrapes.Failures.Count} failed");
        }
        await NothingIsLostAsync(replicas);
        Assert.Empty(scrapes.Failures);
        Assert.NotEqual(0, scrapes.Count);
    }

    [Fact]
    public async Task A_crash_of_the_database_loses_nothing()
    {
        await using var replicas = await StartAsync();
        for (var round = 1; round <= Rounds; round++)
        {
            await FlyingAsync(replicas);
            await replicas.Postgres.StopAsync("immediate", Stop);
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, Stop);
            await replicas.Postgres.RunAsync(Stop);
            await ContinueAsync(replicas);
            Report(replicas, $"round {round}: PostgreSQL crashed");
        }
        await NothingIsLostAsync(replicas);
    }

    [Fact]
    public async Task A_failover_to_a_synchronous_standby_loses_nothing()
    {
        await using var replicas = await StartAsync(replicas: 0);
        var store = await replicas.StartStandbyAsync(Stop);
        for (var i = 0; i < 3; i++)
        {
            replicas.Running.Add(await replicas.StartReplicaAsync(Stop, store));
        }
        for (var round = 1; round <= Rounds; round++)
        {
            await FlyingAsync(replicas);
            var inFlight = await replicas.InFlightAsync(Stop);
            await replicas.FailOverAsync(Stop);
            await ContinueAsync(replicas);
            Report(replicas, $"round {round}: failover, {inFlight} in flight");
        }
        await NothingIsLostAsync(replicas);
    }

    private static Task<Replicas> StartAsync(int replicas = 3) => Replicas.StartAsync(Accounts, Lifetime, Delay, replicas, Stop);

    private static Task ContinueAsync(Replicas replicas) => replicas.RotatesAsync(replicas.Counters.Rotations + (Accounts / 10), Stop);

    /// <summary>Every account is renewed once more, so that a token that was lost shows. Those in doubt are renewed last.</summary>
    private static async Task WholeCycleAsync(Replicas replicas)
    {
        var start = await replicas.Postgres.QueryAsync("select now()", Stop);
        while (await replicas.Postgres.QueryAsync(
            $"select count(*) from account where state <> 'lost' and coalesce(tried_at, '-infinity') < '{start}'", Stop) != "0")
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Stop);
        }
    }

    /// <summary>Waits until at least ten requests are in flight.</summary>
    private static async Task FlyingAsync(Replicas replicas)
    {
        while (await replicas.InFlightAsync(Stop) < Math.Min(10, Accounts / 60))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        }
    }

    /// <summary>Waits until this replica has requests in flight, so that its failure tests something: ten with many accounts.</summary>
    private static async Task FlyingAsync(Replicas replicas, Replica replica)
    {
        while ((await replicas.HeldAsync(replica, Stop)).Count < Math.Clamp(Accounts / 200, 1, 10))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        }
    }

    private async Task NothingIsLostAsync(Replicas replicas)
    {
        await WholeCycleAsync(replicas);
        Report(replicas, "after a cycle");
        Assert.Equal(0, replicas.Counters.ReusedRefreshTokens);
        Assert.Empty(await replicas.LostAsync(Stop));
    }

    private void Report(Replicas replicas, string what) => output.WriteLine(
        $"{what}: {replicas.Counters.Rotations} renewals, {replicas.Counters.ReusedRefreshTokens} reused, "
        + $"{replicas.Counters.RevokedFamilies} revoked");
}
