using Exporter.Postgres;
using Npgsql;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The numbers of all accounts.</summary>
public sealed class OverviewCacheTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private ReplicaBench replica = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private OverviewCache Cache => replica.Get<OverviewCache>();

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        replica = new ReplicaBench(database);
    }

    public ValueTask DisposeAsync() => replica.DisposeAsync();

    [Fact]
    public async Task The_accounts_are_counted_by_source_and_state()
    {
        foreach (var name in new[] { "due", "flying", "doubtful", "lost", "missing" })
        {
            await replica.CreateAsync(name);
        }
        await database.QueryAsync("""
            update account set sent_at = now(), lock_until = now() + interval '1 h' where name = 'flying';
            update account set sent_at = now() - interval '1 min', lock_until = now() + interval '1 h' where name = 'doubtful';
            update account set state = 'lost', renew_at = null where name = 'lost';
            update account set state = 'missing', renew_at = null where name = 'missing';
            insert into counter values (1, 'scripted', 'renewed', 3), (2, 'scripted', 'renewed', 4);
            """, Cancellation);

        var overview = await Cache.GetAsync(Cancellation);

        Assert.Equal(
            [("active", 3L, 1L, 2L, 1L, 0L), ("lost", 1L, 0L, 0L, 0L, 1L), ("missing", 1L, 0L, 0L, 0L, 1L)],
            overview.States.Select(count => (count.State, count.Accounts, count.Due, count.InFlight, count.InDoubt, count.NeedLogin)));
        Assert.Equal([new OutcomeCount("scripted", "renewed", 7)], overview.Outcomes);
        Assert.Equal(5, overview.Accounts);
    }

    [Fact]
    public async Task Calls_at_the_same_time_share_one_count()
    {
        List<Task<Overview>> calls;
        await using (await database.BlockAsync(Cancellation))
        {
            calls = [.. Enumerable.Range(0, 20).Select(_ => Cache.GetAsync(Cancellation).AsTask())];
            await database.WaitingAsync(1, Cancellation);
        }

        Assert.Single((await Task.WhenAll(calls)).Distinct());
    }

    [Fact]
    public async Task Numbers_serve_for_ten_seconds_and_a_call_does_not_wait_for_newer_ones()
    {
        var first = await Cache.GetAsync(Cancellation);
        await replica.CreateAsync("car");
        replica.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Same(first, await Cache.GetAsync(Cancellation));

        replica.Time.Advance(TimeSpan.FromSeconds(2));

        await using (await database.BlockAsync(Cancellation))
        {
            Assert.Same(first, await Cache.GetAsync(Cancellation));
            await database.WaitingAsync(1, Cancellation);
        }
        while (Cache.Latest == first)
        {
            await Task.Yield();
        }
        Assert.Equal(1, Cache.Latest!.Accounts);
    }

    [Fact]
    public async Task Without_the_database_the_old_numbers_stay()
    {
        await replica.CreateAsync("car");
        var first = await Cache.GetAsync(Cancellation);
        await database.StoppedAsync(replica, async () =>
        {
            replica.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.Same(first, await Cache.GetAsync(Cancellation));
            Assert.Same(first, await Cache.GetAsync(Cancellation));
        }, Cancellation);
    }

    [Fact]
    public async Task Without_the_database_and_old_numbers_a_call_fails() => await database.StoppedAsync(replica, async () =>
    {
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Cache.GetAsync(Cancellation).AsTask());
        Assert.Null(Cache.Latest);
    }, Cancellation);
}
