using System.Text;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Readings of a Netatmo account around the limit of series, and the memory that they take.</summary>
[Collection(nameof(Alone))]
public sealed class SeriesLimitTests : IDisposable
{
    private const int Megabyte = 1 << 20;

    /// <summary>
    /// Allocated in all, not at a time. The worst is a list of empty objects: its JSON tree has 8 bytes for each byte, and doubles as it grows.
    /// </summary>
    private const int MostBytesPerByte = 28;

    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_reading_with_too_many_series_has_failed_and_the_previous_one_is_served()
    {
        using var network = new Answers(Stations(200), Stations(360));
        using var account = Open(network);
        using var stop = new CancellationTokenSource();
        await account.LoadAsync(true, Cancellation);
        var running = account.RunAsync(stop.Token);
        await TriesAsync(account, 1);
        var (before, count) = (account.ReadingSource!.Status.ReadAt, Count());

        // In one step, so that no time passes during the request that it starts.
        time.Advance(account.ReadingSource.Status.NextTry!.Value - time.GetUtcNow());
        await TriesAsync(account, 2);

        Assert.InRange(count, 14_000, 20_000);
        Assert.Equal((before, count), (account.ReadingSource.Status.ReadAt, Count()));
        var failure = Assert.IsType<ApiFailure.Rejected>(account.ReadingSource.Status.Failure);
        Assert.Equal(1, account.ReadingSource.Status.Failures["rejected"]);
        Assert.Matches(@"^The reading has 25\d{3} series, more than max_series \(20000\); raise max_series", failure.Reason);
        await stop.CancelAsync();
        await running;

        int Count() => account.ReadingSource.Collect(time.GetUtcNow()).Families.Sum(family => family.Samples.Count);
    }

    [Theory]
    [InlineData(70, false)]
    [InlineData(80, true)]
    public async Task The_limit_is_a_setting_of_the_account(int limit, bool isUp)
    {
        using var network = new Answers(Stations(1));
        using var account = Open(network, $"max_series: {limit}");

        var status = await ReadAsync(account);

        Assert.Equal(isUp, status.Up);
    }

    [Fact]
    public void A_limit_of_no_series_is_a_problem()
    {
        var (_, problems) = Support.Configured.Of(new NetatmoSource(), Yaml("max_series: 0"), new Dictionary<string, string>(), directory);

        Assert.EndsWith("accounts.home.max_series: \"0\" is too small; the minimum is 1", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stations", "The reading has at least 20001 series")]
    [InlineData("modules", "The reading has at least 20001 series")]
    [InlineData("empty", "The reading has at least 20001 series")]
    [InlineData("equal", "The reading has at least 20001 series")]
    [InlineData("name", "The labels of the reading have ")]
    [InlineData("names", "The labels of the reading have ")]
    [InlineData("html", "Netatmo's response has an unexpected format")]
    public async Task A_response_of_15_MB_ends_with_an_outcome_and_takes_memory_in_proportion(string shape, string reason)
    {
        var body = Body(shape);
        using var network = new Answers(body);
        using var account = Open(network);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var status = await ReadAsync(account);
        var taken = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.StartsWith(reason, status.Failure?.Reason, StringComparison.Ordinal);
        Assert.InRange(body.Length, 14 * Megabyte, 16 * Megabyte);
        Assert.True(taken < (long)MostBytesPerByte * body.Length, $"{shape}: {taken / (double)body.Length:0.0} bytes for each byte");
    }

    private static byte[] Stations(int number) =>
        NetatmoSample.OfStations(number).At(ManualTime.Start, favorites: true, deviceId: null)!;

    private static byte[] Body(string shape)
    {
        var station = """{"_id":"70:ee:50:00:00:01","type":"NAMain","reachable":true,"dashboard_data":{"time_utc":1795262400,"Temperature":1}}""";
        var text = shape switch
        {
            "stations" => Devices(Repeat(i => station.Replace("00:00:01", $"{i:000000}", StringComparison.Ordinal), station.Length)),
            "modules" => Devices("{\"_id\":\"1\",\"modules\":[" + Repeat(i => $"{{\"_id\":\"{i}\"}}", 16) + "]}"),
            "empty" => Devices(Repeat(_ => "{}", 2)),
            "equal" => Devices(Repeat(_ => station, station.Length)),
            "name" => Devices(station.Replace("70:ee:50", new string('x', 15 * Megabyte), StringComparison.Ordinal)),
            "names" => Devices(Repeat(i => station.Replace("70:ee:50", $"{i}{new string('x', 15_000)}", StringComparison.Ordinal), 15_200)),
            _ => "<html>" + new string('x', 15 * Megabyte),
        };
        return Encoding.UTF8.GetBytes(text);

        static string Devices(string devices) => "{\"body\":{\"devices\":[" + devices + "]}}";

        static string Repeat(Func<int, string> part, int length) => string.Join(',', Enumerable.Range(0, 15 * Megabyte / (length + 1)).Select(part));
    }

    private static string Yaml(string more) => $"""
        accounts:
          home:
            source: netatmo
            client_id: id
            client_secret: secret
            token_file: token.json
            api_url: https://provider.test
            {more}

        """;

    private Account Open(HttpMessageHandler network, string more = "refresh_interval: 8m")
    {
        directory.Write("token.json", $$"""{"access_token":"a","refresh_token":"r","expiry":"{{ManualTime.Start.AddDays(9):O}}"}""");
        var source = new NetatmoSource();
        var (accounts, problems) = Support.Configured.Of(source, Yaml(more), new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        return Assert.Single(accounts).Open(options, ProviderApi.Services(source, network, time, NullLoggerFactory.Instance));
    }

    /// <summary>The status after one reading.</summary>
    private static async Task<ReadingStatus> ReadAsync(Account account)
    {
        using var stop = new CancellationTokenSource();
        await account.LoadAsync(true, Cancellation);
        var running = account.RunAsync(stop.Token);
        await TriesAsync(account, 1);
        await stop.CancelAsync();
        await running;
        return account.ReadingSource!.Status;
    }

    private static async Task TriesAsync(Account account, int tries)
    {
        while (account.ReadingSource!.Status.Tries < tries)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>A network that returns these responses in order, and the last one again.</summary>
    private sealed class Answers(params byte[][] bodies) : HttpMessageHandler
    {
        private int sent;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage
            {
                Content = new ByteArrayContent(bodies[Math.Min(Interlocked.Increment(ref sent), bodies.Length) - 1]),
            });
    }
}
