using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// What the readings of many accounts cost a replica. <c>CLUSTER_READINGS</c> is their number: tests/cluster/million.sh makes the table of README.md.
/// </summary>
[Trait("Suite", "figures")]
public sealed class ManyReadingsTests(ITestOutputHelper output)
{
    private static readonly int Accounts = int.TryParse(Environment.GetEnvironmentVariable("CLUSTER_READINGS"), out var rows) ? rows : 0;

    public static bool IsWanted => Accounts > 0;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Skip = "this measures for minutes: set CLUSTER_READINGS, or run tests/cluster/million.sh", SkipUnless = nameof(IsWanted))]
    public async Task A_replica_keeps_the_readings_of_many_accounts()
    {
        await using var replicas = await Replicas.StartAsync(1, TimeSpan.FromHours(3), TimeSpan.Zero, count: 1, Stop, read: true);
        while (await replicas.Postgres.QueryAsync("select count(*) from reading where content is not null", Stop) != "1")
        {
            await ManyRows.PassAsync(1, Stop);
        }
        await replicas.Running[0].Signal("TERM", Stop);
        await replicas.Running[0].Ends(Stop);
        // Pages need no token, and none of the accounts is due while this measures.
        await replicas.Postgres.QueryAsync($"""
            insert into account (name, template, source, version, state, expires_at, reads)
            select 'home-' || i, template, source, 1, 'active', now() + interval '1 h', true from account, generate_series(2, {Accounts}) i
            """, Stop);
        await replicas.Postgres.QueryAsync("""
            insert into reading (account, is_stream, content, due_at)
            select a.id, false, r.content, now() + interval '1 h' from account a, reading r where a.id <> r.account
            """, Stop);

        await using var replica = await replicas.StartReplicaAsync(Stop);
        var started = TimeProvider.System.GetTimestamp();
        while (!(await replica.Http.GetAsync("/-/ready", Stop)).IsSuccessStatusCode)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        }
        Report("from listening to ready, ms", TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        Report("resident memory without a scrape, MiB", replica.Status("VmRSS") / 1024.0);
        foreach (var path in new[] { "/metrics?shard=0/10", "/metrics?shard=0/10", "/metrics", "/metrics" })
        {
            foreach (var isCompressed in new[] { true, false })
            {
                await ScrapeAsync(replica, path, isCompressed);
            }
        }
        Report("most resident memory, MiB", replica.Status("VmHWM") / 1024.0);
    }

    private async Task ScrapeAsync(Replica replica, string path, bool isCompressed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept-Encoding", isCompressed ? "gzip" : "identity");
        var started = TimeProvider.System.GetTimestamp();
        var page = await (await replica.Http.SendAsync(request, Stop)).Content.ReadAsByteArrayAsync(Stop);
        Report($"{path}{(isCompressed ? ", gzip" : "")}, ms", TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        Report($"{path}{(isCompressed ? ", gzip" : "")}, kB", page.Length / 1000.0);
        Report("resident memory, MiB", replica.Status("VmRSS") / 1024.0);
    }

    private void Report(string what, double value) => output.WriteLine(FormattableString.Invariant($"| {what} | {value:#,0.##} |"));
}
