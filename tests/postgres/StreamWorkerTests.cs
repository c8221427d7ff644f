using Exporter.Postgres;
using Xunit;
using static Exporter.Tests.Support.Wait;

namespace Exporter.Tests.Postgres;

/// <summary>A stream has one owner. Another replica takes it over when the owner ends, or no longer confirms it.</summary>
public sealed class StreamWorkerTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private readonly ScriptedApi api = new() { Streams = true };
    private ReplicaBench one = null!;
    private ReplicaBench two = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        (one, two) = (new ReplicaBench(database, api: api), new ReplicaBench(database, api: api));
        await one.CreateAsync("car");
        await one.IsNotDueAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await one.DisposeAsync();
        await two.DisposeAsync();
    }

    [Fact]
    public async Task One_replica_owns_a_stream_and_every_replica_shows_its_values()
    {
        await two.Get<SharedReadings>().StartAsync(Cancellation);
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await two.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);

        await AdvanceUntilAsync(two.PageUntilAsync("""scripted_temperature_celsius{account="car"} 21.5"""));
        api.Temperature = 30;
        await AdvanceUntilAsync(two.PageUntilAsync("""scripted_temperature_celsius{account="car"} 30"""));

        Assert.Equal(["car"], api.Connected);
        Assert.Contains("exporter_store_streams 1", await one.PageAsync() + await two.PageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_that_shuts_down_gives_its_streams_to_another_with_the_last_values()
    {
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);

        await one.Get<StreamWorker>().StopAsync(Cancellation);
        Assert.Empty(api.Connected);
        await two.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);

        // The second owner continued with the reading of the first, so the same temperature is no new value.
        Assert.Contains("[21.5,1]", await database.QueryAsync("select convert_from(content, 'UTF8') from reading", Cancellation), StringComparison.Ordinal);
        Assert.Equal("2", await database.QueryAsync("select attempt from reading", Cancellation));
    }

    [Fact]
    public async Task A_replica_ends_a_stream_that_another_one_has_taken()
    {
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);
        // As after the process was stopped for longer than the lease.
        await database.QueryAsync("update reading set lock_until = now() - interval '1 s'", Cancellation);
        await two.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(2);
        var taken = await database.QueryAsync("select holder || attempt from reading", Cancellation);

        await one.AdvanceUntilAsync(ConnectedAsync(1));

        Assert.Equal(taken, await database.QueryAsync("select holder || attempt from reading", Cancellation));
    }

    [Fact]
    public async Task Without_the_database_a_stream_ends_before_its_lease()
    {
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);

        await database.StoppedAsync(one, async () =>
        {
            var started = one.Time.GetUtcNow();
            await one.AdvanceUntilAsync(ConnectedAsync(0));
            Assert.True(one.Time.GetUtcNow() - started < ReadingRows.Lease);
        }, Cancellation);

        await database.QueryAsync("update reading set lock_until = null", Cancellation);
        await one.AdvanceUntilAsync(ConnectedAsync(1));
    }

    [Fact]
    public async Task A_value_that_could_not_be_saved_is_saved_at_the_next_visit()
    {
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await AdvanceUntilAsync(database.UntilAsync("select convert_from(content, 'UTF8') like '%[21.5,1]%' from reading", "True", Cancellation));
        // A sequence counts what is rolled back too.
        await database.Server.QueryAsync("""
            create sequence refused;
            create function refuse() returns trigger language plpgsql as $$ begin perform nextval('refused'); raise 'refused'; end $$;
            create trigger refuse before update of content on reading for each row execute function refuse();
            """, Cancellation);
        try
        {
            api.Temperature = 30;
            await AdvanceUntilAsync(database.UntilAsync("select is_called from refused", "True", Cancellation));
        }
        finally
        {
            await database.Server.QueryAsync("drop trigger refuse on reading; drop function refuse; drop sequence refused", CancellationToken.None);
        }

        await AdvanceUntilAsync(database.UntilAsync("select convert_from(content, 'UTF8') like '%[30,2]%' from reading", "True", Cancellation));
    }

    [Fact]
    public async Task Of_several_streams_those_that_another_replica_has_taken_are_not_saved()
    {
        await one.CreateAsync("van");
        var rows = await one.Get<ReadingRows>().TakeStreamsAsync(10, Cancellation);
        Assert.Equal(["car", "van"], rows.Select(row => row.Account.Name).Order());
        await database.QueryAsync("update reading set attempt = reading.attempt + 1 from account where id = account and name = 'car'", Cancellation);

        await one.Get<ReadingRows>().SaveAsync(rows.Select(row => (row, "{}"u8.ToArray())), Cancellation);

        Assert.Equal("van", await database.QueryAsync(
            "select string_agg(name, ' ') from reading r join account on id = account where content = '{}' and r.lock_until > now()", Cancellation));
    }

    [Fact]
    public async Task A_stream_continues_with_the_token_that_the_queue_renewed()
    {
        await one.Get<StreamWorker>().StartAsync(Cancellation);
        await ConnectedAsync(1);

        await two.IsDueAsync();
        await two.RenewDueAsync();
        var renewed = (await two.FindAsync("car")).Progress(ReplicaBench.Keys).Value!.State.Token!.AccessToken?.Reveal();

        await one.AdvanceUntilAsync(UntilAsync(() => api.Polls[^1].Token == renewed));
        Assert.NotEqual("access-0", renewed);
    }

    private async Task AdvanceUntilAsync(Task work)
    {
        await Task.WhenAll(one.AdvanceUntilAsync(work), two.AdvanceUntilAsync(work));
    }

    private Task ConnectedAsync(int streams) => UntilAsync(() => api.Connected.Count == streams);
}
