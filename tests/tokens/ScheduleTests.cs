using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>When a token is renewed. Properties are tried with seeded randomness.</summary>
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

        Assert.Equal(TimeSpan.FromSeconds(lifetime - margin), Next(options, Kept.Some(time, TimeSpan.FromSeconds(lifetime)), time) - time.GetUtcNow());
    }

    [Theory]
    [InlineData(10800, 120, 120)]
    [InlineData(10800, 0, 0)]
    [InlineData(10800, 9000, 5400)]
    public void A_margin_that_was_set_counts_up_to_half_of_the_lifetime(int lifetime, int set, int margin)
    {
        var time = new ManualTime();
        var options = new TokenManagerOptions { Margin = TimeSpan.FromSeconds(set), Random = new NoJitter() };

        Assert.Equal(TimeSpan.FromSeconds(lifetime - margin), Next(options, Kept.Some(time, TimeSpan.FromSeconds(lifetime)), time) - time.GetUtcNow());
    }

    [Fact]
    public void Row_30_jitter_only_moves_a_renewal_earlier_and_spreads_those_that_end_together()
    {
        var (time, random) = (new ManualTime(), new Random(30));
        for (var round = 0; round < 10_000; round++)
        {
            var lifetime = TimeSpan.FromSeconds(Math.Pow(10, 1 + random.NextDouble() * 6));
            var token = Kept.Some(time, lifetime);
            var without = Next(new TokenManagerOptions { Random = new NoJitter() }, token, time);
            var with = Next(new TokenManagerOptions { Random = random }, token, time);
            Assert.InRange(without - with, TimeSpan.Zero, lifetime / 20);
            Assert.InRange(with - time.GetUtcNow(), lifetime * 0.4, lifetime);
        }

        var options = new TokenManagerOptions { Random = random };
        var moments = Enumerable.Range(0, 1000).Select(_ => Next(options, Kept.Some(time), time)).ToList();
        Assert.True(moments.GroupBy(m => m.ToUnixTimeSeconds()).Max(g => g.Count()) < 20);
    }

    [Fact]
    public async Task Row_10_and_11_no_lifetime_a_cloud_may_give_becomes_a_loop()
    {
        var random = new Random(10);
        for (var round = 0; round < 300; round++)
        {
            using var kept = await new Kept().Loaded();
            kept.Grant.Lifetime = random.Next(6) switch
            {
                0 => null,
                1 => TimeSpan.Zero,
                2 => -Kept.Hour,
                3 => TimeSpan.FromSeconds(random.Next(1, 120)),
                4 => TimeSpan.FromDays(random.Next(1, 3650)),
                _ => TimeSpan.FromMilliseconds(1),
            };
            await kept.WhenDue();
            var first = kept.Grant.Requests;
            for (var second = 0; second < 60; second++)
            {
                kept.Time.Advance(TimeSpan.FromSeconds(1));
                await kept.Visit();
                await kept.TokenManager.GetTokenAsync(Cancellation);
            }
            // A lifetime of a second or two is renewed every half of it; anything that tells nothing, twice a minute.
            var bound = kept.Grant.Lifetime is { TotalSeconds: >= 1 } lifetime ? 61 / Math.Min(30, lifetime.TotalSeconds * 0.4) + 1 : 3;
            Assert.InRange(kept.Grant.Requests - first, 0, bound);
        }
    }

    [Fact]
    public async Task Row_11_the_same_end_again_is_a_success_and_no_loop()
    {
        using var kept = await new Kept(new MemoryStore(Kept.Some(new ManualTime(), TimeSpan.FromDays(14)))).Loaded();
        var end = kept.State.Token!.ExpiresAt!.Value;
        kept.Grant.Then(Enumerable.Repeat<Renewal>(new Renewal.Renewed(kept.State.Token!), 100));

        await kept.WhenDue();
        Assert.Equal((end - kept.Time.GetUtcNow()) / 2, Assert.IsType<TokenState.Active>(kept.State).RenewAt - kept.Time.GetUtcNow());
        while (kept.Time.GetUtcNow() < end)
        {
            await kept.WhenDue();
        }

        Assert.InRange(kept.Grant.Requests, 2, 20);
        Assert.Empty(kept.Snapshot.History.Failures);
    }

    [Fact]
    public void Row_08_a_wait_is_random_grows_and_has_a_cap()
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
    public void Row_08_a_wait_that_was_asked_for_is_kept_up_to_an_hour(int asked, int? seconds)
    {
        var wait = new Backoff(TimeSpan.FromSeconds(4), TimeSpan.FromMinutes(5)).After(1, new Random(1), TimeSpan.FromSeconds(asked));

        Assert.InRange(wait, TimeSpan.FromSeconds(seconds ?? 1), TimeSpan.FromSeconds(seconds ?? 4));
    }

    [Fact]
    public async Task Row_26_a_wall_clock_set_back_delays_neither_a_renewal_nor_a_look_nor_a_write()
    {
        using var kept = await new Kept().Loaded();
        var ahead = kept.TokenManager.NextRenewal!.Value - kept.Time.GetUtcNow();

        kept.Time.StepWallClock(-10 * Kept.Hour);
        Assert.False(IsDue(kept));
        kept.Time.Advance(Minute);
        Assert.True(IsDue(kept), "the store is looked at within a minute");
        await kept.Visit();
        kept.Time.Advance(ahead - Minute);
        await kept.Visit();

        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task A_wall_clock_set_back_does_not_keep_a_refused_token_from_being_renewed()
    {
        using var kept = await new Kept().Loaded();
        await kept.WhenDue();
        kept.Time.StepWallClock(-2 * Kept.Hour);
        kept.Time.Advance(TimeSpan.FromMinutes(2));

        await kept.TokenManager.RenewAsync(new Secret("access-1"), Cancellation);

        Assert.Equal((2, "access-2"), (kept.Grant.Requests, kept.Access));
    }

    [Fact]
    public async Task Row_26_a_wall_clock_set_back_does_not_delay_a_write_that_failed()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = Path.Combine(directory["gone"], "token.json");
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();
        await kept.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);
        Assert.NotNull(kept.Snapshot.Unpersisted);
        Directory.CreateDirectory(directory["gone"]);

        time.StepWallClock(-10 * Kept.Hour);
        time.Advance(kept.Options.WriteRetry.Longest);
        await kept.Visit();

        Assert.Null(kept.Snapshot.Unpersisted);
    }

    [Fact]
    public async Task Row_26_a_machine_that_slept_past_the_end_renews_as_soon_as_it_wakes()
    {
        using var kept = await new Kept().Loaded();

        kept.Time.StepWallClock(8 * Kept.Hour);
        Assert.True(IsDue(kept));
        Assert.Equal("access-1", (await kept.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());

        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_26_a_clock_that_steps_to_and_fro_costs_a_few_renewals_and_no_storm()
    {
        var random = new Random(26);
        using var kept = await new Kept().Loaded();

        for (var step = 0; step < 1000; step++)
        {
            kept.Time.StepWallClock(TimeSpan.FromSeconds(random.Next(-20, 21)));
            kept.Time.Advance(TimeSpan.FromSeconds(10));
            await kept.Visit();
        }

        Assert.InRange(kept.Grant.Requests, 1, 3);
    }

    [Fact]
    public async Task Row_27_a_token_of_ninety_days_is_renewed_in_time_and_no_timer_is_that_long()
    {
        var time = new ManualTime();
        using var kept = await new Kept(new MemoryStore(Kept.Some(time, TimeSpan.FromDays(90))), time).Loaded();
        kept.Grant.Lifetime = TimeSpan.FromDays(90);

        for (var day = 0; day < 80; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
            Assert.Equal(0, time.Waiting);
            await kept.Visit();
        }
        Assert.Equal(0, kept.Grant.Requests);
        time.Advance(TimeSpan.FromDays(2));
        await kept.Visit();

        Assert.Equal(1, kept.Grant.Requests);
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("2400-01-01T00:00:00Z")]
    public async Task Row_27_an_end_beyond_all_clocks_is_not_due_now(string expiry)
    {
        var token = Kept.Some(new ManualTime()) with { ExpiresAt = DateTimeOffset.Parse(expiry, System.Globalization.CultureInfo.InvariantCulture), Lifetime = null };
        using var kept = await new Kept(new MemoryStore(token)).Loaded();

        await kept.Visit();

        Assert.Equal(0, kept.Grant.Requests);
    }

    private static bool IsDue(Kept kept) => kept.TokenManager.IsDue(Instant.Now(kept.Time));

    /// <summary>When a token that was loaded is renewed.</summary>
    private static DateTimeOffset Next(TokenManagerOptions options, Token token, ManualTime time) =>
        RenewalSchedule.Next(options, token, canRenew: true, renewed: false, before: null, time.GetUtcNow())!.Value;

    private sealed class NoJitter : Random
    {
        public override double NextDouble() => 0;
    }
}
