using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>When a token is renewed. Uses seeded random numbers.</summary>
public class ScheduleTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(90 * 86400, 9 * 86400)]
    [InlineData(10800, 1080)]
    [InlineData(3600, 360)]
    [InlineData(600, 60)]
    [InlineData(300, 60)]
    [InlineData(100, 50)]
    [InlineData(10, 5)]
    public void The_margin_is_a_tenth_of_the_lifetime_at_least_a_minute_at_most_half(int lifetime, int margin)
    {
        var time = new ManualTime();
        var options = new TokenManagerOptions { Random = new NoJitter() };

        Assert.Equal(
            TimeSpan.FromSeconds(lifetime - margin),
            Next(options, TokenManagerBench.Some(time, TimeSpan.FromSeconds(lifetime)), time) - time.GetUtcNow());
    }

    [Theory]
    [InlineData(10800, 120, 120)]
    [InlineData(10800, 0, 0)]
    [InlineData(10800, 9000, 5400)]
    public void A_configured_margin_is_limited_to_half_of_the_lifetime(int lifetime, int set, int margin)
    {
        var time = new ManualTime();
        var options = new TokenManagerOptions { Margin = TimeSpan.FromSeconds(set), Random = new NoJitter() };

        Assert.Equal(
            TimeSpan.FromSeconds(lifetime - margin),
            Next(options, TokenManagerBench.Some(time, TimeSpan.FromSeconds(lifetime)), time) - time.GetUtcNow());
    }

    [Fact]
    public void Row_30_jitter_only_makes_a_renewal_earlier_and_spreads_tokens_that_expire_together()
    {
        var (time, random) = (new ManualTime(), new Random(30));
        for (var round = 0; round < 10_000; round++)
        {
            var lifetime = TimeSpan.FromSeconds(Math.Pow(10, 1 + random.NextDouble() * 6));
            var token = TokenManagerBench.Some(time, lifetime);
            var without = Next(new TokenManagerOptions { Random = new NoJitter() }, token, time);
            var with = Next(new TokenManagerOptions { Random = random }, token, time);
            Assert.InRange(without - with, TimeSpan.Zero, lifetime / 20);
            Assert.InRange(with - time.GetUtcNow(), lifetime * 0.4, lifetime);
        }

        var options = new TokenManagerOptions { Random = random };
        var moments = Enumerable.Range(0, 1000).Select(_ => Next(options, TokenManagerBench.Some(time), time)).ToList();
        Assert.True(moments.GroupBy(m => m.ToUnixTimeSeconds()).Max(g => g.Count()) < 20);
    }

    [Fact]
    public async Task Row_10_and_11_no_lifetime_causes_a_renewal_loop()
    {
        var random = new Random(10);
        for (var round = 0; round < 300; round++)
        {
            using var bench = await new TokenManagerBench().Loaded();
            bench.Grant.Lifetime = random.Next(6) switch
            {
                0 => null,
                1 => TimeSpan.Zero,
                2 => -TokenManagerBench.Hour,
                3 => TimeSpan.FromSeconds(random.Next(1, 120)),
                4 => TimeSpan.FromDays(random.Next(1, 3650)),
                _ => TimeSpan.FromMilliseconds(1),
            };
            await bench.WhenDue();
            var first = bench.Grant.Requests;
            for (var second = 0; second < 60; second++)
            {
                bench.Time.Advance(TimeSpan.FromSeconds(1));
                await bench.Visit();
                await bench.TokenManager.GetTokenAsync(Cancellation);
            }
            // A very short lifetime is renewed after half of it, and an unknown or invalid one twice a minute.
            var bound = bench.Grant.Lifetime is { TotalSeconds: >= 1 } lifetime ? 61 / Math.Min(30, lifetime.TotalSeconds * 0.4) + 1 : 3;
            Assert.InRange(bench.Grant.Requests - first, 0, bound);
        }
    }

    [Fact]
    public async Task Row_11_the_same_expiry_again_is_a_success_and_causes_no_loop()
    {
        using var bench = await new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(new ManualTime(), TimeSpan.FromDays(14)))).Loaded();
        var end = bench.State.Token!.ExpiresAt!.Value;
        bench.Grant.Then(Enumerable.Repeat<Renewal>(new Renewal.Renewed(bench.State.Token!), 100));

        await bench.WhenDue();
        Assert.Equal((end - bench.Time.GetUtcNow()) / 2, Assert.IsType<TokenState.Active>(bench.State).RenewAt - bench.Time.GetUtcNow());
        while (bench.Time.GetUtcNow() < end)
        {
            await bench.WhenDue();
        }

        Assert.InRange(bench.Grant.Requests, 2, 20);
        Assert.Empty(bench.Snapshot.History.Failures);
    }

    [Fact]
    public void Row_08_a_wait_is_random_grows_and_is_limited()
    {
        var (backoff, random) = (new Backoff(TimeSpan.FromSeconds(4), TimeSpan.FromMinutes(5)), new Random(8));
        foreach (var failures in Enumerable.Range(1, 20).Append(int.MaxValue))
        {
            var ceiling = Math.Min(300, 4 * Math.Pow(2, Math.Min(failures - 1, 30)));
            var waits = Enumerable.Range(0, 1000).Select(_ => backoff.After(failures, random).TotalSeconds).ToList();

            Assert.All(waits, wait => Assert.InRange(wait, 1, ceiling));
            Assert.InRange(waits.Average(), ceiling * 0.45, ceiling * 0.6);
        }
    }

    [Theory]
    [InlineData(120, 120)]
    [InlineData(7200, 3600)]
    [InlineData(-60, null)]
    public void Row_08_retry_after_is_honoured_up_to_an_hour(int asked, int? seconds)
    {
        var wait = new Backoff(TimeSpan.FromSeconds(4), TimeSpan.FromMinutes(5)).After(1, new Random(1), TimeSpan.FromSeconds(asked));

        Assert.InRange(wait, TimeSpan.FromSeconds(seconds ?? 1), TimeSpan.FromSeconds(seconds ?? 4));
    }

    [Fact]
    public async Task Row_26_a_wall_clock_that_is_set_back_delays_neither_a_renewal_nor_a_read_nor_a_write()
    {
        using var bench = await new TokenManagerBench().Loaded();
        var ahead = bench.TokenManager.NextRenewal!.Value - bench.Time.GetUtcNow();

        bench.Time.StepWallClock(-10 * TokenManagerBench.Hour);
        Assert.False(IsDue(bench));
        bench.Time.Advance(Minute);
        Assert.True(IsDue(bench), "the store is looked at within a minute");
        await bench.Visit();
        bench.Time.Advance(ahead - Minute);
        await bench.Visit();

        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task A_wall_clock_that_is_set_back_does_not_prevent_the_renewal_of_a_rejected_token()
    {
        using var bench = await new TokenManagerBench().Loaded();
        await bench.WhenDue();
        bench.Time.StepWallClock(-2 * TokenManagerBench.Hour);
        bench.Time.Advance(TimeSpan.FromMinutes(2));

        await bench.TokenManager.RenewAsync(new Secret("access-1"), Cancellation);

        Assert.Equal((2, "access-2"), (bench.Grant.Requests, bench.Access));
    }

    [Fact]
    public async Task Row_26_a_wall_clock_that_is_set_back_does_not_delay_a_failed_write()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = Path.Combine(directory["gone"], "token.json");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);
        Assert.NotNull(bench.Snapshot.Unpersisted);
        Directory.CreateDirectory(directory["gone"]);

        time.StepWallClock(-10 * TokenManagerBench.Hour);
        time.Advance(bench.Options.WriteRetry.Longest);
        await bench.Visit();

        Assert.Null(bench.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task Row_26_a_machine_that_slept_past_the_expiry_renews_when_it_wakes()
    {
        using var bench = await new TokenManagerBench().Loaded();

        bench.Time.StepWallClock(8 * TokenManagerBench.Hour);
        Assert.True(IsDue(bench));
        Assert.Equal("access-1", (await bench.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());

        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_26_a_clock_that_steps_back_and_forth_causes_few_renewals()
    {
        var random = new Random(26);
        using var bench = await new TokenManagerBench().Loaded();

        for (var step = 0; step < 1000; step++)
        {
            bench.Time.StepWallClock(TimeSpan.FromSeconds(random.Next(-20, 21)));
            bench.Time.Advance(TimeSpan.FromSeconds(10));
            await bench.Visit();
        }

        Assert.InRange(bench.Grant.Requests, 1, 3);
    }

    [Fact]
    public async Task Row_27_a_token_of_ninety_days_is_renewed_in_time_and_no_timer_is_that_long()
    {
        var time = new ManualTime();
        using var bench = await new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time, TimeSpan.FromDays(90))), time).Loaded();
        bench.Grant.Lifetime = TimeSpan.FromDays(90);

        for (var day = 0; day < 80; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
            Assert.Equal(0, time.Waiting);
            await bench.Visit();
        }
        Assert.Equal(0, bench.Grant.Requests);
        time.Advance(TimeSpan.FromDays(2));
        await bench.Visit();

        Assert.Equal(1, bench.Grant.Requests);
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("2400-01-01T00:00:00Z")]
    public async Task Row_27_an_expiry_beyond_the_range_of_the_clock_is_not_due(string expiry)
    {
        var at = DateTimeOffset.Parse(expiry, System.Globalization.CultureInfo.InvariantCulture);
        var token = TokenManagerBench.Some(new ManualTime()) with { ExpiresAt = at, Lifetime = null };
        using var bench = await new TokenManagerBench(new MemoryStore(token)).Loaded();

        await bench.Visit();

        Assert.Equal(0, bench.Grant.Requests);
    }

    private static bool IsDue(TokenManagerBench bench) => bench.TokenManager.IsDue(Instant.Now(bench.Time));

    /// <summary>When a loaded token is renewed.</summary>
    private static DateTimeOffset Next(TokenManagerOptions options, Token token, ManualTime time) =>
        RenewalSchedule.Next(options, token, canRenew: true, renewed: false, before: null, time.GetUtcNow())!.Value;

    private sealed class NoJitter : Random
    {
        public override double NextDouble() => 0;
    }
}
