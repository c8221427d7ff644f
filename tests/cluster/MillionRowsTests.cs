using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>What many rows cost. <c>CLUSTER_ROWS</c> is their number: tests/cluster/million.sh makes the table of README.md.</summary>
[Trait("Suite", "figures")]
public sealed class MillionRowsTests(ITestOutputHelper output)
{
    private static readonly int Rows = Figures.Number("CLUSTER_ROWS");

    public static bool IsWanted => Rows > 0;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Skip = "this measures for minutes: set CLUSTER_ROWS, or run tests/cluster/million.sh", SkipUnless = nameof(IsWanted))]
    public async Task A_replica_renews_a_small_part_of_many_rows()
    {
        await using var rows = await ManyRows.FillAsync(Rows, Stop);
        await using var replica = await rows.StartReplicaAsync(Stop);
        // After the migrations and the first connections.
        await ManyRows.PassAsync(5, Stop);
        output.Report("resident memory at rest, MiB", replica.Status("VmRSS") / 1024.0);

        await rows.ResetAsync(Stop);
        await ManyRows.PassAsync(20, Stop);
        output.Report("queries of a replica at rest, per second", (await rows.StatementsAsync(Stop)).Calls / 20.0);

        // The client of this test is slow at first.
        await replica.Http.GetStringAsync("/-/healthy", Stop);
        output.Report("first scrape, ms", await ManyRows.ScrapeAsync(replica, Stop));
        var later = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            // The numbers are then too old, so that they are counted again.
            await ManyRows.PassAsync(11, Stop);
            later.Add(await ManyRows.ScrapeAsync(replica, Stop));
        }
        output.Report("later scrape (median of 5), ms", later.Order().ElementAt(2));
        output.Report("counting the rows in the database, ms", await rows.MeanAsync("%from account group by source%", Stop));

        var due = Math.Min(Rows, 60_000);
        await rows.MakeDueAsync(due, Stop);
        await rows.ResetAsync(Stop);
        var seconds = await rows.RenewedAsync(due, Stop);
        var statements = await rows.StatementsAsync(Stop);
        output.Report("renewals", due);
        output.Report("renewals per second", due / seconds);
        output.Report("statements of a renewal, ms in the database", statements.Milliseconds / due);
        output.Report("active time of a renewal, with the commit, ms", await rows.ActiveAsync(Stop) / due);
        output.Report("commits per renewal", (double)await rows.CommitsAsync(Stop) / due);
        output.Report("taking rows, statements", await rows.CallsAsync("%skip locked%", Stop));
        output.Report("taking rows, ms each", await rows.MeanAsync("%skip locked%", Stop));
        output.Report("saving a row, ms each", await rows.MeanAsync("update account a set token%", Stop));
        output.Report("counting outcomes, ms each", await rows.MeanAsync("insert into counter%", Stop));
        output.Report("most resident memory, MiB", replica.Status("VmHWM") / 1024.0);

        Assert.Equal(due, rows.Issuer.Requests);
        Assert.Equal(0, await rows.LostAsync(Stop));
    }
}
