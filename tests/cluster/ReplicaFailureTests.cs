using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// What happens to logins when replicas and the database fail. <c>CLUSTER_ACCOUNTS</c> and <c>CLUSTER_ROUNDS</c> make the table of
/// tests/cluster/README.md from these tests.
/// </summary>
[Trait("Suite", "slow")]
public sealed class ReplicaFailureTests(ITestOutputHelper output)
{
    private static readonly int Accounts = Number("CLUSTER_ACCOUNTS", 600);
    private static readonly int Rounds = Number("CLUSTER_ROUNDS", 1);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(Number("CLUSTER_LIFETIME", 60));
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(0.5);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_replica_loses_only_the_logins_that_are_in_flight()
    {
        await using var replicas = await StartAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var victim = replicas.Running[0];
            await FlyingAsync(replicas);
            var before = replicas.Counters.Rotations;
            await victim.Signal("STOP", Stop);
            var inFlight = await HeldByAsync(replicas, victim);
            await victim.Signal("KILL", Stop);
            await victim.DisposeAsync();
            replicas.Running[0] = await replicas.StartReplicaAsync(Stop);
            await replicas.RotatesAsync(before + Accounts, Stop);
            Report(replicas, $"kill -9, {inFlight} in flight");
            Assert.InRange(replicas.Counters.ReusedRefreshTokens, 0, inFlight * (round + 1));
        }
    }

    [Fact]
    public async Task A_replica_that_was_stopped_saves_what_it_received()
    {
        await using var replicas = await StartAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var stopped = replicas.Running[0];
            await FlyingAsync(replicas);
            await stopped.Signal("STOP", Stop);
            var inFlight = await HeldByAsync(replicas, stopped);
            await Task.Delay(Lifetime * 0.15, TimeProvider.System, Stop);
            var before = replicas.Counters.Rotations;
            await stopped.Signal("CONT", Stop);
            await replicas.RotatesAsync(before + Accounts, Stop);
            Report(replicas, $"SIGSTOP, {inFlight} in flight");
        }
        await NothingIsLostAsync(replicas);
    }

    [Fact]
    public async Task A_rolling_restart_loses_nothing()
    {
        await using var replicas = await StartAsync();
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < replicas.Running.Count; i++)
            {
                await FlyingAsync(replicas);
                await replicas.Running[i].Signal("TERM", Stop);
                Assert.Equal(0, await replicas.Running[i].Ends(Stop));
                await replicas.Running[i].DisposeAsync();
                replicas.Running[i] = await replicas.StartReplicaAsync(Stop);
            }
            Report(replicas, "rolling restart");
        }
        await replicas.RotatesAsync(replicas.Counters.Rotations + Accounts, Stop);
        await NothingIsLostAsync(replicas);
    }

    [Fact]
    public async Task A_crash_of_the_database_loses_nothing()
    {
        await using var replicas = await StartAsync();
        for (var round = 0; round < Rounds; round++)
        {
            await FlyingAsync(replicas);
            await replicas.Postgres.StopAsync("immediate", Stop);
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, Stop);
            await replicas.Postgres.RunAsync(Stop);
            await replicas.RotatesAsync(replicas.Counters.Rotations + Accounts, Stop);
            Report(replicas, "PostgreSQL crashed");
        }
        await NothingIsLostAsync(replicas);
    }

    private static Task<Replicas> StartAsync() => Replicas.StartAsync(Accounts, Lifetime, Delay, 3, Stop);

    /// <summary>Waits until at least ten requests are in flight.</summary>
    private static async Task FlyingAsync(Replicas replicas)
    {
        while (await replicas.InFlightAsync(Stop) < Math.Min(10, Accounts / 60))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        }
    }

    private static async Task<int> HeldByAsync(Replicas replicas, Replica replica) => int.Parse(await replicas.Postgres.QueryAsync(
        $"select count(*) from account where sent_at is not null and holder like '%-{replica.ProcessId}'", Stop));

    private static async Task NothingIsLostAsync(Replicas replicas)
    {
        Assert.Equal(0, replicas.Counters.ReusedRefreshTokens);
        Assert.Equal(0, await replicas.LostAsync(Stop));
    }

    private void Report(Replicas replicas, string what) => output.WriteLine(
        $"{what}: {replicas.Counters.Rotations} renewals, {replicas.Counters.ReusedRefreshTokens} reused, "
        + $"{replicas.Counters.RevokedFamilies} revoked");

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : otherwise;
}
