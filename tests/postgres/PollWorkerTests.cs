using Exporter.Accounts;
using Exporter.Postgres;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>Polls are due rows: any replica takes them, continues where the last one stopped, and saves the reading for all.</summary>
public sealed class PollWorkerTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private const string Free = "select count(*) from reading where holder is not null";

    private readonly ScriptedApi api = new();
    private ReplicaBench one = null!;
    private ReplicaBench two = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        (one, two) = (new ReplicaBench(database, api: api), new ReplicaBench(database, api: api));
    }

    public async ValueTask DisposeAsync()
    {
        await one.DisposeAsync();
        await two.DisposeAsync();
    }

    [Fact]
    public async Task A_new_account_is_polled_at_once_and_again_after_the_interval()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();

        await PollAsync(one);

        Assert.Equal([("home", "access-0")], api.Polls);
        Assert.Equal("10", await database.QueryAsync("select round(extract(epoch from due_at - now()) / 60) from reading", Cancellation));
    }

    [Fact]
    public async Task Each_poll_is_taken_by_one_replica()
    {
        for (var i = 0; i < 40; i++)
        {
            await one.CreateAsync($"home-{i}");
        }
        await one.IsNotDueAsync();

        await Task.WhenAll(PollAsync(one), PollAsync(two));

        Assert.Equal(40, api.Polls.Count);
        Assert.Equal(40, api.Polls.Distinct().Count());
    }

    [Fact]
    public async Task A_poll_continues_where_another_replica_stopped()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();
        await one.Get<SharedReadings>().StartAsync(Cancellation);
        await PollAsync(one);
        await IsPollDueAsync();

        await PollAsync(two);

        await one.PageUntilAsync("""exporter_readings_total{account="home",source="scripted"} 2""");
        // The memory of polls moves with the reading, sealed.
        await one.PageUntilAsync("""scripted_poll_number{account="home"} 2""");
        Assert.Equal("0", await database.QueryAsync("select count(*) from reading where position('memory' in encode(memory, 'escape')) > 0", Cancellation));
    }

    [Fact]
    public async Task Failures_in_a_row_count_over_all_replicas()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();
        await one.Get<SharedReadings>().StartAsync(Cancellation);
        api.Failure = new ApiFailure.Unavailable("no answer");
        await PollAsync(one);
        await IsPollDueAsync();
        await PollAsync(two);

        await one.PageUntilAsync("""exporter_reading_failures_total{account="home",reason="unavailable",source="scripted"} 2""");
        await one.PageUntilAsync("""exporter_up{account="home",source="scripted"} 0""");
        Assert.Contains("\"failures_in_a_row\":2", await database.QueryAsync("select convert_from(content, 'UTF8') from reading", Cancellation),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_poll_of_a_dead_replica_is_repeated_after_its_lock()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();
        var held = new TaskCompletionSource();
        api.Held = held.Task;
        await one.StartPollsAsync();
        await database.UntilAsync(Free, "1", Cancellation);
        while (api.Polls.Count == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
        await database.QueryAsync("update reading set lock_until = now() - interval '1 s'", Cancellation);
        api.Held = Task.CompletedTask;

        await PollAsync(two);
        api.Temperature = 99;
        held.SetResult();
        await one.Get<PollWorker>().FinishAsync(Cancellation);

        // The late reading is dropped.
        Assert.Contains("[21.5,1]", await database.QueryAsync("select convert_from(content, 'UTF8') from reading", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_that_shuts_down_gives_its_polls_back()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();
        api.Held = new TaskCompletionSource().Task;
        await one.StartPollsAsync();
        await database.UntilAsync(Free, "1", Cancellation);

        await one.Get<PollWorker>().StopAsync(Cancellation);
        await one.Get<PollWorker>().FinishAsync(Cancellation);
        api.Held = Task.CompletedTask;
        await PollAsync(two);

        Assert.Contains("[21.5,1]", await database.QueryAsync("select convert_from(content, 'UTF8') from reading", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_token_makes_a_poll_due_that_failed_without_one()
    {
        await one.CreateAsync("home", hasToken: false);
        await PollAsync(one);
        Assert.Equal("t", await database.QueryAsync("select needs_token::text::char from reading", Cancellation));
        await database.QueryAsync("update reading set due_at = now() + interval '1 h'", Cancellation);
        Assert.Empty(api.Polls);

        var account = await one.Attended.OpenAsync("home", Cancellation);
        await account!.TokenManager.AdoptAsync(one.Token("7", TimeSpan.FromHours(1)), Cancellation);
        await PollAsync(two);

        Assert.Equal([("home", "access-7")], api.Polls);
    }

    [Fact]
    public async Task An_account_that_this_replica_cannot_open_is_left_to_another_one()
    {
        await one.CreateAsync("home");
        await one.IsNotDueAsync();
        var key = Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)]);
        await using var other = new ReplicaBench(database, TokenKeys.Parse($"second {key}", "keys").Value!, api: api);

        await PollAsync(other);

        Assert.Empty(api.Polls);
        Assert.Contains(other.Log.All, line => line.Contains("account home: it cannot be read by this replica", StringComparison.Ordinal));
        await IsPollDueAsync();
        await PollAsync(one);
        Assert.Single(api.Polls);
    }

    [Fact]
    public async Task Accounts_that_exist_before_their_template_takes_readings_get_them()
    {
        await using (var before = new ReplicaBench(database))
        {
            await before.CreateAsync("home");
            await before.IsNotDueAsync();
        }
        Assert.Equal("0", await database.QueryAsync("select count(*) from reading", Cancellation));

        await one.Get<ReadingRows>().PrepareAsync(one.Get<AccountTemplates>().Readings, Cancellation);
        await PollAsync(one);
        Assert.Single(api.Polls);

        await using var after = new ReplicaBench(database);
        await after.Get<ReadingRows>().PrepareAsync(after.Get<AccountTemplates>().Readings, Cancellation);
        Assert.Equal("0", await database.QueryAsync("select count(*) from reading", Cancellation));
        Assert.Equal("0", await database.QueryAsync("select count(*) from account where reads", Cancellation));
    }

    /// <summary>Polls what is due, and waits until it is saved.</summary>
    private static async Task PollAsync(ReplicaBench replica)
    {
        await replica.StartPollsAsync();
        await replica.Database.UntilAsync("select count(*) from reading where due_at <= now() or holder is not null", "0", Cancellation);
        await replica.Get<PollWorker>().StopAsync(Cancellation);
    }

    private Task<string> IsPollDueAsync() => database.QueryAsync("update reading set due_at = now()", Cancellation);
}
