using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>
/// What the readings of many accounts cost a replica. <c>CLUSTER_READINGS</c> is their number: tests/cluster/million.sh makes the table of README.md.
/// </summary>
[Trait("Suite", "figures")]
public sealed class ManyReadingsTests(ITestOutputHelper output)
{
    private static readonly int Accounts = Figures.Number("CLUSTER_READINGS");

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
        await replica.BecomesReadyAsync(Stop);
        output.Report("from listening to ready, ms", TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        output.Report("resident memory without a scrape, MiB", replica.Status("VmRSS") / 1024.0);
        // The client of this test is slow at first.
        await replica.Http.GetStringAsync("/-/healthy", Stop);
        foreach (var (what, paths) in new[]
        {
            ("one of ten shards", ["/metrics?shard=0/10"]), ("ten shards", Enumerable.Range(0, 10).Select(i => $"/metrics?shard={i}/10")),
            ("the whole page", ["/metrics"]),
        })
        {
            foreach (var time in new[] { "first", "second" })
            {
                var (milliseconds, bytes) = (0.0, 0L);
                foreach (var path in paths)
                {
                    var (took, length) = await ScrapeAsync(replica, path);
                    (milliseconds, bytes) = (milliseconds + took, bytes + length);
                }
                output.Report($"{what}: {time} scrape, ms", milliseconds);
                output.Report($"{what}: compressed, MB", bytes / 1e6);
            }
            output.Report($"{what}: resident memory after it, MiB", replica.Status("VmRSS") / 1024.0);
        }
        output.Report("most resident memory, MiB", replica.Status("VmHWM") / 1024.0);
    }

    /// <summary>Scrapes as Prometheus does.</summary>
    private static async Task<(double Milliseconds, long Bytes)> ScrapeAsync(Replica replica, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept-Encoding", "gzip");
        request.Headers.Add("Accept", "application/openmetrics-text; version=1.0.0");
        var started = TimeProvider.System.GetTimestamp();
        using var response = (await replica.Http.SendAsync(request, Stop)).EnsureSuccessStatusCode();
        var page = await response.Content.ReadAsByteArrayAsync(Stop);
        return (TimeProvider.System.GetElapsedTime(started).TotalMilliseconds, page.Length);
    }
}
