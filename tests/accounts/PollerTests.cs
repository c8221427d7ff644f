using System.Net;
using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class PollerTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(8);

    /// <summary>The clock advances in steps, and the test notices a poll after a step.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);

    private readonly ManualTime time = new();
    private readonly CancellationTokenSource stop = new();
    private readonly List<DateTimeOffset> polls = [];
    private readonly Queue<Result<Reading, ApiFailure>?> results = new();
    private readonly MemoryStore store;
    private readonly TokenManager manager;
    private readonly Poller<Reading> poller;
    private Action polling = () => { };
    private Task running = Task.CompletedTask;

    public PollerTests()
    {
        store = new MemoryStore(new Token { AccessToken = new Secret("a"), ExpiresAt = ManualTime.Start.AddDays(30) });
        var tokenOptions = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        manager = new TokenManager("home", new NoGrant(), store, tokenOptions, time, NullLogger<TokenManager>.Instance);
        poller = new Poller<Reading>("home", PollAsync, (reading, _) => new ReadingMetrics([MetricFamily.Gauge("x", "X.", reading.Value)], null),
            (reading, _) => new Presentation(new ReadingCard($"{reading.Value}")), Format, manager, new PollerOptions(Interval) { Random = new Random(1) }, time, NullLogger.Instance);
    }

    [Fact]
    public async Task The_first_poll_is_immediate_and_the_next_follows_after_the_interval()
    {
        await StartAsync(Good(1), Good(2));

        await PolledAsync(1);
        Assert.Equal(ManualTime.Start, polls[0]);
        Assert.True(poller.Status.Up);
        Assert.Equal(1, poller.Reading!.Value);

        await PolledAsync(2);
        Assert.InRange(polls[1] - polls[0], Interval, Interval + Slack);
    }

    [Fact]
    public async Task A_temporary_failure_is_retried_before_the_interval()
    {
        await StartAsync(Good(1), Unavailable, Unavailable, Unavailable, Good(2));

        await PolledAsync(5);

        Assert.All(polls.Skip(2).Zip(polls.Skip(1), (later, earlier) => later - earlier), wait => Assert.True(wait <= Interval + Slack));
        Assert.True(polls[2] - polls[1] < TimeSpan.FromMinutes(1));
        Assert.Equal(3, poller.Status.Failures["unavailable"]);
    }

    [Fact]
    public async Task The_last_good_reading_is_kept_while_reading_fails()
    {
        await StartAsync(Good(1), Unavailable);

        await PolledAsync(2);

        Assert.False(poller.Status.Up);
        Assert.Equal(ManualTime.Start, poller.Status.ReadAt);
        Assert.Equal(1, poller.Collect(time.GetUtcNow()).Families.Single().Samples.Single().Value);
    }

    [Theory]
    [InlineData(null, 60)]
    [InlineData(120, 120)]
    public async Task After_too_many_requests_the_poller_waits_for_Retry_After_or_an_hour(int? retryAfter, int minutes)
    {
        var limited = new ApiFailure.RateLimited("limited") { RetryAfter = retryAfter is { } m ? TimeSpan.FromMinutes(m) : null };
        await StartAsync(limited, Good(1));

        await PolledAsync(2);

        Assert.InRange(polls[1] - polls[0], TimeSpan.FromMinutes(minutes), TimeSpan.FromMinutes(minutes) + Slack);
    }

    [Fact]
    public async Task Without_a_token_there_is_no_poll_until_a_login()
    {
        await store.LogOutAsync(CancellationToken.None);
        await StartAsync(Good(1));
        for (var i = 0; i < 60; i++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
        Assert.Empty(polls);

        var token = new Token { AccessToken = new Secret("new"), RefreshToken = new Secret("r"), ExpiresAt = time.GetUtcNow().AddHours(3) };
        await manager.AdoptAsync(token, CancellationToken.None);
        await PolledAsync(1);

        Assert.True(poller.Status.Up);
    }

    [Fact]
    public async Task A_login_after_a_missing_scope_causes_a_poll()
    {
        await StartAsync(new ApiFailure.MissingScope("the scope is missing", "read_station"), Good(1));
        await PolledAsync(1);
        var before = time.GetUtcNow();

        await manager.AdoptAsync(new Token { AccessToken = new Secret("new"), ExpiresAt = time.GetUtcNow().AddHours(3) }, CancellationToken.None);
        await time.AdvanceUntilAsync(() => poller.Status.Tries == 2, TimeSpan.FromMinutes(7));

        // The clock advances from timer to timer, and no timer is longer than a minute. Without the login the wait is eight minutes.
        Assert.True(time.GetUtcNow() - before <= TimeSpan.FromMinutes(2));
        Assert.True(poller.Status.Up);
    }

    [Fact]
    public async Task An_unexpected_exception_is_a_failed_poll()
    {
        await StartAsync(null, Good(1));

        await PolledAsync(2);

        Assert.True(poller.Status.Up);
        Assert.Equal(1, poller.Status.Failures["unavailable"]);
    }

    [Fact]
    public async Task A_wait_for_the_token_that_takes_too_long_is_a_failed_reading()
    {
        var (grant, log) = (new FakeGrant(time), new CollectedLog());
        grant.Hold();
        var expired = new Token { AccessToken = new Secret("a"), RefreshToken = new Secret("r"), ExpiresAt = ManualTime.Start };
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        using var slow = new TokenManager("home", grant, new MemoryStore(expired), options, time, NullLogger<TokenManager>.Instance);
        await slow.LoadAsync(CancellationToken.None);
        using var network = new StubHttp();
        using var http = new HttpClient(new TokenHandler(slow) { InnerHandler = network });
        var waiting = new Poller<Reading>("home", ReadAsync, (_, _) => ReadingMetrics.None, (_, _) => Presentation.Empty, Format, slow, new PollerOptions(Interval), time, log);
        running = waiting.RunAsync(stop.Token);

        await time.AdvanceUntilAsync(() => waiting.Status.Tries == 1, TimeSpan.FromMinutes(1));

        Assert.Equal((false, 1), (waiting.Status.Up, waiting.Status.Failures["no_token"]));
        Assert.InRange(time.GetUtcNow() - ManualTime.Start, TimeSpan.FromSeconds(35), TimeSpan.FromSeconds(36));
        Assert.Equal(1, log.Count("reading failed, trying again at"));
        Assert.Equal(1, log.Count("a renewal in progress has returned no token for 35 s"));
        network.Expect(HttpStatusCode.OK);
        grant.Release();
        // Several timers are active, so the clock waits for the work in real time.
        while (!waiting.Status.Up)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        async Task<Result<Reading, ApiFailure>> ReadAsync(CancellationToken cancellationToken)
        {
            using var response = await http.GetAsync(new Uri("http://provider.test/data"), cancellationToken);
            return new Reading(1);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_clock_that_is_set_back_does_not_delay_the_next_poll(bool duringAPoll)
    {
        polling = () => time.StepWallClock(duringAPoll ? -TimeSpan.FromHours(2) : TimeSpan.Zero);
        await StartAsync(Good(1), Good(2));
        await PolledAsync(1);
        await time.AdvanceUntilAsync(() => time.Waiting > 0, Interval);
        var (started, polledAt) = (time.GetTimestamp(), long.MaxValue);
        polling = () => polledAt = time.GetTimestamp();

        time.StepWallClock(duringAPoll ? TimeSpan.Zero : -TimeSpan.FromHours(2));
        await PolledAsync(2);

        Assert.InRange(time.GetElapsedTime(started, polledAt), TimeSpan.Zero, Interval);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        manager.Dispose();
        stop.Dispose();
    }

    private static ReadingFormat<Reading> Format { get; } =
        new("test", (json, reading) => json.WriteNumberValue(reading.Value), json => new Reading(json.GetDouble()));

    private static Result<Reading, ApiFailure> Unavailable => new ApiFailure.Unavailable("away");

    private static Result<Reading, ApiFailure> Good(double value) => new Reading(value);

    private async Task StartAsync(params Result<Reading, ApiFailure>?[] script)
    {
        Array.ForEach(script, results.Enqueue);
        await manager.LoadAsync(CancellationToken.None);
        running = poller.RunAsync(stop.Token);
    }

    private Task PolledAsync(int times) => time.AdvanceUntilAsync(() => poller.Status.Tries >= times, TimeSpan.FromDays(1));

    private Task<Result<Reading, ApiFailure>> PollAsync(CancellationToken cancellationToken)
    {
        polls.Add(time.GetUtcNow());
        polling();
        return Task.FromResult(results.Dequeue() ?? throw new InvalidOperationException("unexpected"));
    }

    private sealed record Reading(double Value);

    private sealed class NoGrant : IGrant
    {
        public bool CanRenew(Token? current) => false;

        public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("unexpected renewal");
    }
}
