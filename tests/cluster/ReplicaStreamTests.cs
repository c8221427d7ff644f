using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// Streams of cars, kept by replicas of the real program at BMW's broker. Each stream has one connection, whatever happens to the replicas, and no
/// value is lost that the car sent before.
/// </summary>
[Trait("Suite", "slow")]
public sealed class ReplicaStreamTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_stream_has_one_connection_and_every_replica_shows_its_values()
    {
        await using var replicas = await CarReplicas.StartAsync(Hour);
        await replicas.ConnectAsync();

        await replicas.DriveAsync(1000);
        await replicas.DriveAsync(1001);

        Assert.Equal(3, replicas.Broker.Connects);
        Assert.Equal(3, (await Task.WhenAll(replicas.Running.Select(replicas.HeldAsync))).Sum());
        foreach (var name in CarReplicas.Names)
        {
            await replicas.ShowAsync("bmw_mqtt_messages_total", name, "2");
            await replicas.ShowAsync("bmw_vehicle_info", name, "1", "model=\"i4 eDrive40\"");
        }
        foreach (var log in replicas.Running.Select(replica => replica.Log))
        {
            // The values of a car are in its row. The state directory cannot be written here.
            Assert.DoesNotContain("cannot be", log, StringComparison.Ordinal);
            Assert.DoesNotContain("level=error", log, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_replica_takes_over_the_streams_of_a_killed_one_and_no_metric_disappears()
    {
        await using var replicas = await CarReplicas.StartAsync(Hour);
        await replicas.ConnectAsync();
        await replicas.SendAsync("car-1", Car.Message("vehicle.drivetrain.batteryManagement.header", "66", "percent"));
        await replicas.ShowAsync("bmw_vehicle_battery_charge_ratio", "car-1", "0.66");
        await replicas.DriveAsync(1000);
        var before = await CarReplicas.SeriesAsync(replicas.Running[0]);

        var killed = await replicas.OwnerAsync("car-1");
        await killed.Signal("KILL", Stop);
        Assert.True(replicas.Running.Remove(killed));
        while (await replicas.HeldAsync(killed) > 0)
        {
            foreach (var replica in replicas.Running)
            {
                Assert.Empty(before.Except(await CarReplicas.SeriesAsync(replica)));
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Stop);
        }
        await killed.DisposeAsync();
        await replicas.ConnectAsync();
        await replicas.DriveAsync(1001);

        await replicas.ShowAsync("bmw_vehicle_battery_charge_ratio", "car-1", "0.66");
        // The new owner continues the counts, so that no counter starts again.
        await replicas.ShowAsync("bmw_mqtt_messages_total", "car-1", "3");
        await replicas.ShowAsync("bmw_mqtt_connects_total", "car-1", "2", "result=\"accepted\"");
        replicas.Running.Add(await replicas.StartReplicaAsync());
        await replicas.ShowAsync("bmw_vehicle_battery_charge_ratio", "car-1", "0.66");
        Assert.Empty(before.Except(await CarReplicas.SeriesAsync(replicas.Running[^1])));
    }

    [Fact]
    public async Task A_rolling_restart_hands_over_the_streams_before_the_lease_ends()
    {
        await using var replicas = await CarReplicas.StartAsync(Hour);
        await replicas.ConnectAsync();
        await replicas.DriveAsync(1000);

        for (var i = 0; i < 3; i++)
        {
            var ending = replicas.Running[0];
            await ending.Signal("TERM", Stop);
            Assert.Equal(0, await ending.Ends(Stop));
            // What it held is free at once, or another replica has it already.
            Assert.Equal(0, await replicas.HeldAsync(ending));
            Assert.Equal("0", await replicas.Postgres.QueryAsync("select count(*) from reading where holder is null and due_at > now()", Stop));
            replicas.Running.Remove(ending);
            await ending.DisposeAsync();
            replicas.Running.Add(await replicas.StartReplicaAsync());
            await replicas.ConnectAsync();
            await replicas.DriveAsync(1001 + i);
        }

        foreach (var name in CarReplicas.Names)
        {
            await replicas.ShowAsync("bmw_mqtt_messages_total", name, "4");
            // No connection replaced another one: the old owner disconnected before the new one connected.
            Assert.Equal("0", await DisconnectsAsync(replicas, name, "taken_over"));
        }
        // The new owners have the descriptions of the cars, which cost requests of the daily quota.
        Assert.Equal(3, replicas.Sandbox.Bmw.Rest.Mappings.Requests);
    }

    [Fact]
    public async Task A_stream_continues_with_each_new_ID_token_before_the_old_one_expires()
    {
        await using var replicas = await CarReplicas.StartAsync(TimeSpan.FromSeconds(40));
        await replicas.KeepDrivingAsync(1000);

        await CarReplicas.UntilAsync(async () =>
        {
            var renewed = await Task.WhenAll(CarReplicas.Names.Select(name => DisconnectsAsync(replicas, name, "new_token")));
            return renewed.All(count => count is not null && int.Parse(count) >= 3);
        });

        await replicas.KeepDrivingAsync(1001);
        foreach (var name in CarReplicas.Names)
        {
            foreach (var reason in new[] { "maximum_connect_time", "token_refused", "taken_over", "network" })
            {
                Assert.Equal("0", await DisconnectsAsync(replicas, name, reason));
            }
        }
        Assert.Equal(0, replicas.Sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens);
    }

    private static Task<string?> DisconnectsAsync(CarReplicas replicas, string name, string reason) =>
        CarReplicas.ValueAsync(replicas.Running[0], "bmw_mqtt_disconnects_total", name, $"reason=\"{reason}\"");
}
