using Exporter.Metrics;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class PollerTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(8);

    /// <summary>The clock is moved in steps, and a poll is seen at the end of one.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);

    private readonly ManualTime time = new();
    private readonly CancellationTokenSource end = new();
    private readonly List<DateTimeOffset> polls = [];
    private readonly Queue<PollResult<Reading>> answers = new();
    private readonly MemoryStore store;
    private readonly TokenManager manager;
    private readonly Poller<Reading> poller;
    private Action answering = () => { };
    private Task running = Task.CompletedTask;

    public PollerTests()
    {
        store = new MemoryStore(new Token { AccessToken = new Secret("a"), ExpiresAt = ManualTime.Start.AddDays(30) });
        manager = new TokenManager("home", new NoGrant(), store, new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, NullLogger.Instance);
        poller = new Poller<Reading>("home", PollAsync, (reading, _) => new Exposed([MetricFamily.Gauge("x", "X.", reading.Value)], null),
            manager, new PollerOptions(Interval) { Random = new Random(1) }, time, NullLogger.Instance);
    }

    [Fact]
    public async Task The_first_poll_comes_at_once_and_the_next_after_the_interval()
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
    public async Task A_failure_that_may_pass_is_retried_sooner_than_the_interval_and_ever_later()
    {
        await StartAsync(Good(1), Unavailable, Unavailable, Unavailable, Good(2));

        await PolledAsync(5);

        Assert.All(polls.Skip(2).Zip(polls.Skip(1), (later, earlier) => later - earlier), wait => Assert.True(wait <= Interval + Slack));
        Assert.True(polls[2] - polls[1] < TimeSpan.FromMinutes(1));
        Assert.Equal(3, poller.Status.Failures["unavailable"]);
    }

    [Fact]
    public async Task The_last_good_reading_stays_while_reading_fails()
    {
        await StartAsync(Good(1), Unavailable);

        await PolledAsync(2);

        Assert.False(poller.Status.Up);
        Assert.Equal(ManualTime.Start, poller.Status.ReadAt);
        Assert.Equal(1, poller.Expose(time.GetUtcNow()).Families.Single().Samples.Single().Value);
    }

    [Theory]
    [InlineData(null, 60)]
    [InlineData(120, 120)]
    public async Task Too_many_requests_are_answered_by_staying_away_as_long_as_the_cloud_asks_else_long(int? askedMinutes, int minutes)
    {
        var limited = new ApiFailure.RateLimited("limited") { RetryAfter = askedMinutes is { } m ? TimeSpan.FromMinutes(m) : null };
        await StartAsync(new PollResult<Reading>.Failed(limited), Good(1));

        await PolledAsync(2);

        Assert.InRange(polls[1] - polls[0], TimeSpan.FromMinutes(minutes), TimeSpan.FromMinutes(minutes) + Slack);
    }

    [Fact]
    public async Task Without_a_token_nothing_is_asked_until_somebody_logs_in()
    {
        await store.LogOutAsync(CancellationToken.None);
        await StartAsync(Good(1));
        for (var i = 0; i < 60; i++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
        Assert.Empty(polls);

        await manager.AdoptAsync(new Token { AccessToken = new Secret("new"), RefreshToken = new Secret("r"), ExpiresAt = time.GetUtcNow().AddHours(3) }, CancellationToken.None);
        await PolledAsync(1);

        Assert.True(poller.Status.Up);
    }

    [Fact]
    public async Task A_new_login_ends_the_pause_after_a_missing_scope()
    {
        await StartAsync(new PollResult<Reading>.Failed(new ApiFailure.MissingScope("the scope is missing", "read_station")), Good(1));
        await PolledAsync(1);
        var before = time.GetUtcNow();

        await manager.AdoptAsync(new Token { AccessToken = new Secret("new"), ExpiresAt = time.GetUtcNow().AddHours(3) }, CancellationToken.None);
        await time.AdvanceUntilAsync(() => poller.Status.Tries == 2, TimeSpan.FromMinutes(7));

        // The clock jumps from timer to timer, and no wait is longer than a minute; the pause itself would be eight.
        Assert.True(time.GetUtcNow() - before <= TimeSpan.FromMinutes(2));
        Assert.True(poller.Status.Up);
    }

    [Fact]
    public async Task An_exception_nobody_foresaw_is_a_failed_poll_and_not_the_end()
    {
        await StartAsync(null!, Good(1));

        await PolledAsync(2);

        Assert.True(poller.Status.Up);
        Assert.Equal(1, poller.Status.Failures["unavailable"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_clock_that_is_set_back_does_not_delay_the_next_poll(bool duringAPoll)
    {
        answering = () => time.StepWallClock(duringAPoll ? -TimeSpan.FromHours(2) : TimeSpan.Zero);
        await StartAsync(Good(1), Good(2));
        await PolledAsync(1);
        answering = () => { };
        var began = time.GetTimestamp();

        time.StepWallClock(duringAPoll ? TimeSpan.Zero : -TimeSpan.FromHours(2));
        await PolledAsync(2);

        Assert.InRange(time.GetElapsedTime(began), TimeSpan.Zero, Interval + Slack);
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await running;
        manager.Dispose();
        end.Dispose();
    }

    private static PollResult<Reading> Unavailable => new PollResult<Reading>.Failed(new ApiFailure.Unavailable("away"));

    private static PollResult<Reading> Good(double value) => new PollResult<Reading>.Success(new Reading(value));

    private async Task StartAsync(params PollResult<Reading>[] script)
    {
        Array.ForEach(script, answers.Enqueue);
        await manager.LoadAsync(CancellationToken.None);
        running = poller.RunAsync(end.Token);
    }

    private Task PolledAsync(int times) => time.AdvanceUntilAsync(() => poller.Status.Tries >= times, TimeSpan.FromDays(1));

    private Task<PollResult<Reading>> PollAsync(CancellationToken cancellationToken)
    {
        polls.Add(time.GetUtcNow());
        answering();
        return Task.FromResult(answers.Dequeue() ?? throw new InvalidOperationException("nobody foresaw this"));
    }

    private sealed record Reading(double Value);

    private sealed class NoGrant : IGrant
    {
        public bool CanRenew(Token? current) => false;

        public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) => throw new InvalidOperationException("no renewal is expected here");
    }
}
