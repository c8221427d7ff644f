using Exporter.Tests.Cmd;
using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Another program holds flock(2) on the token file itself. That is temporary, and the token is not missing.</summary>
public sealed class LockedTokenFileTests : IDisposable
{
    private const string Reason = "another program holds a lock on the file itself";

    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task The_store_is_unreadable_and_no_renewal_is_prepared()
    {
        var store = TokenManagerBench.Plain(directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time))), time);

        using (Lock(directory["token.json"]))
        {
            Assert.Equal(Reason, Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation)).Reason);
            Assert.Equal(Reason, (await store.PrepareAsync(Cancellation)).Failure);
        }

        Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Commands_report_the_lock_and_no_missing_login()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();

        using (Lock(bench["home.json"]))
        {
            Assert.Equal(2, await bench.RunAsync("token", "home"));
            Assert.Contains($"home: the token cannot be read: {Reason}; try again later", bench.Error, StringComparison.Ordinal);
            Assert.Equal(2, await bench.RunAsync("status"));
        }

        Assert.Matches(@"home +netatmo +unreadable", bench.Output);
        Assert.Contains($"home.json cannot be read: {Reason}", bench.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("not logged in", bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, await bench.RunAsync("token", "home"));
    }

    [Fact]
    public async Task The_page_and_the_metrics_ask_for_no_login()
    {
        await using var bench = await WebBench.StartAsync();
        using var held = Lock(bench.DirectoryPath.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time))));
        await bench.Account.TokenManager.LoadAsync(Cancellation);

        var (page, metrics) = ((await bench.Get("/")).Body, (await bench.Get("/metrics")).Body);

        Assert.Contains($"token.json cannot be read: {Reason}.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Login needed", page, StringComparison.Ordinal);
        Assert.Contains("exporter_login_required{source=\"netatmo\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("state=\"missing\"", metrics, StringComparison.Ordinal);
    }

    /// <summary>.NET takes flock(2) with LOCK_EX for this.</summary>
    private static FileStream Lock(string file) => new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
}
