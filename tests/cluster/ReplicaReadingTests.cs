using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>Readings of weather stations by replicas of the real program: every replica has the whole page, whatever happens to the others.</summary>
[Trait("Suite", "slow")]
public sealed class ReplicaReadingTests
{
    private const int Stations = 30;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_replica_has_the_whole_page_also_when_others_end()
    {
        await using var replicas = await Replicas.StartAsync(Stations, TimeSpan.FromMinutes(30), TimeSpan.Zero, count: 3, Stop, read: true);
        foreach (var replica in replicas.Running)
        {
            await CompleteAsync(replica);
        }
        // Each station was polled by one of the replicas.
        Assert.Equal($"{Stations}", (await replicas.Postgres.QueryAsync("select sum(attempt) from reading", Stop)).Trim());
        await replicas.Running[0].Signal("KILL", Stop);
        await replicas.Running[0].DisposeAsync();
        Assert.Equal(Stations, await CountAsync(replicas.Running[1]));

        replicas.Running[0] = await replicas.StartReplicaAsync(Stop);
        await CompleteAsync(replicas.Running[0]);

        var readAt = "exporter_last_reading_timestamp_seconds{account=\"car-00007\",source=\"netatmo\"} ";
        var pages = await Task.WhenAll(replicas.Running.Select(replica => replica.Http.GetStringAsync("/metrics", Stop)));
        Assert.Single(pages.Select(page => page.Split('\n').Single(line => line.StartsWith(readAt, StringComparison.Ordinal))).Distinct());
        Assert.Equal("0", (await replicas.Postgres.QueryAsync("select count(*) from reading where due_at <= now()", Stop)).Trim());
    }

    [Fact]
    public async Task A_rolling_restart_fails_no_scrape()
    {
        await using var replicas = await Replicas.StartAsync(Stations, TimeSpan.FromMinutes(30), TimeSpan.Zero, count: 3, Stop, read: true);
        foreach (var replica in replicas.Running)
        {
            await CompleteAsync(replica);
        }
        await using var proxy = await replicas.StartProxyAsync(Stop);
        await using var scrapes = new Scrapes(proxy.Address, page => Count(page.Split('\n')) == Stations);

        for (var i = 0; i < 3; i++)
        {
            var ending = replicas.Running[i];
            await ending.Signal("TERM", Stop);
            foreach (var other in replicas.Running.Where(replica => replica != ending))
            {
                Assert.Equal(Stations, await CountAsync(other));
            }
            Assert.Equal(0, await ending.Ends(Stop));
            await ending.DisposeAsync();
            replicas.Running[i] = await replicas.RestartAsync(ending, Stop);
            // Kubernetes sends scrapes only to replicas that are ready, and those have the whole page. A proxy gets no other page.
            await replicas.Running[i].BecomesReadyAsync(Stop);
            Assert.Equal(Stations, await CountAsync(replicas.Running[i]));
        }
        var scraped = scrapes.Count;
        while (scrapes.Count < scraped + 10)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        }
        Assert.Empty(scrapes.Failures);
        Assert.Equal(0, replicas.Counters.ReusedRefreshTokens);
        Assert.Empty(await replicas.LostAsync(Stop));
    }

    [Fact]
    public async Task Shards_give_each_account_once_and_a_wrong_shard_says_why()
    {
        await using var replicas = await Replicas.StartAsync(Stations, TimeSpan.FromMinutes(30), TimeSpan.Zero, count: 1, Stop, read: true);
        await CompleteAsync(replicas.Running[0]);

        Assert.Equal(Stations, await CountAsync(replicas.Running[0], "/metrics?shard=0/2") + await CountAsync(replicas.Running[0], "/metrics?shard=1/2"));
        var wrong = await replicas.Running[0].Http.GetAsync("/metrics?shard=2/2", Stop);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("shard must be I/N", await wrong.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    private static async Task CompleteAsync(Replica replica)
    {
        while (await CountAsync(replica) < Stations)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        }
    }

    /// <summary>The accounts with a reading on the page of a replica.</summary>
    private static async Task<int> CountAsync(Replica replica, string path = "/metrics") => Count(await replica.ScrapeAsync(Stop, path));

    private static int Count(string[] page) =>
        page.Count(line => line.StartsWith("exporter_up{", StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal));
}
