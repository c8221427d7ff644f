using Exporter.Accounts;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>Budgets that replicas share. The database's clock cannot be replaced, so recorded requests are moved back in time.</summary>
public sealed class SharedBudgetTests(SharedDatabase database) : ReplicaTests(database)
{
    private static readonly BudgetWindow Hour = new(20, TimeSpan.FromHours(1));

    /// <summary>Each test has a client of its own.</summary>
    private readonly string client = $"client-{Guid.NewGuid():N}";

    [Fact]
    public async Task Two_replicas_that_reserve_at_the_same_time_send_exactly_what_is_left()
    {
        await using var other = new ReplicaBench(Shared);
        IRequestBudget[] budgets = [Open(replica, Hour), Open(other, Hour)];

        var waits = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => budgets[i % 2].ReserveAsync(Cancellation).AsTask())));

        Assert.Equal(20, waits.Count(wait => wait is null));
        Assert.Equal("20", await RecordedAsync());
    }

    [Fact]
    public async Task A_request_is_allowed_again_when_the_oldest_one_has_left_the_window()
    {
        var budget = Open(replica, new BudgetWindow(2, TimeSpan.FromHours(1)));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        await PassAsync("50 min");
        Assert.Null(await budget.ReserveAsync(Cancellation));

        var wait = await budget.ReserveAsync(Cancellation);
        Assert.InRange(wait!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        var failure = Assert.IsType<ApiFailure.RateLimited>(await budget.FailureAsync(Cancellation));
        Assert.Equal("No request was sent to Shop: the budget of 2 requests in 1 hour is used up.", failure.Reason);
        Assert.InRange(failure.RetryAfter!.Value, TimeSpan.Zero, wait.Value);

        await PassAsync("10 min");
        Assert.Null(await budget.FailureAsync(Cancellation));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.NotNull(await budget.ReserveAsync(Cancellation));
    }

    [Fact]
    public async Task All_windows_hold_and_the_full_one_is_named()
    {
        var budget = Open(replica, new BudgetWindow(3, TimeSpan.FromDays(1)), new BudgetWindow(2, TimeSpan.FromMinutes(1.5)));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.Null(await budget.ReserveAsync(Cancellation));

        Assert.InRange((await budget.ReserveAsync(Cancellation))!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(1.5));
        Assert.Contains("2 requests in 1m30s", (await budget.FailureAsync(Cancellation))!.Reason, StringComparison.Ordinal);

        await PassAsync("2 min");
        Assert.Null(await budget.ReserveAsync(Cancellation));
        await PassAsync("2 min");
        Assert.InRange((await budget.ReserveAsync(Cancellation))!.Value, TimeSpan.FromHours(1), TimeSpan.FromDays(1));
        Assert.Contains("3 requests in 24 hours", (await budget.FailureAsync(Cancellation))!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_limit_was_lowered_the_wait_lasts_until_enough_requests_have_left_the_window()
    {
        var budget = Open(replica, Hour);
        foreach (var pause in new[] { "10 min", "10 min", "10 min" })
        {
            Assert.Null(await budget.ReserveAsync(Cancellation));
            await PassAsync(pause);
        }

        // The requests were sent 30, 20 and 10 minutes ago. Two of them must leave the window.
        var wait = await Open(replica, Hour with { Most = 2 }).ReserveAsync(Cancellation);

        Assert.InRange(wait!.Value, TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(40));
        Assert.Equal(Hour.Window, await Open(replica, Hour with { Most = 0 }).ReserveAsync(Cancellation));
    }

    [Fact]
    public async Task Requests_of_other_owners_providers_and_sources_do_not_count()
    {
        BudgetKey[] keys =
        [
            new("http", "Shop", client), new("http", "Shop", $"{client}-2"), new("http", "Depot", client), new("oauth2", "Shop", client),
        ];
        foreach (var key in keys)
        {
            var budget = replica.Get<IRequestBudgets>().Open(key, [new BudgetWindow(1, TimeSpan.FromHours(1))]);
            Assert.Null(await budget.ReserveAsync(Cancellation));
            Assert.NotNull(await budget.ReserveAsync(Cancellation));
        }
    }

    [Fact]
    public async Task The_number_of_requests_is_the_last_one_read_and_includes_other_replicas()
    {
        await using var other = new ReplicaBench(Shared);
        var (budget, others) = (Open(replica, Hour), Open(other, Hour));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.Null(await others.ReserveAsync(Cancellation));
        Assert.Equal((1, 2), (budget.Used, others.Used));

        Assert.Null(await budget.FailureAsync(Cancellation));

        Assert.Equal(2, budget.Used);
    }

    [Fact]
    public async Task Without_the_database_nothing_is_sent_and_one_error_is_logged()
    {
        var (budget, another) = (Open(replica, Hour), Open(replica, Hour));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        await Shared.StoppedAsync(replica, async () =>
        {
            Assert.Equal(TimeSpan.FromMinutes(1), await budget.ReserveAsync(Cancellation));
            var waiting = Enumerable.Range(0, 20).Select(_ => another.ReserveAsync(Cancellation).AsTask());
            Assert.All(await Task.WhenAll(waiting), wait => Assert.Equal(TimeSpan.FromMinutes(1), wait));
            var failure = Assert.IsType<ApiFailure.Unavailable>(await budget.FailureAsync(Cancellation));
            Assert.StartsWith("No request was sent to Shop, because the database", failure.Reason, StringComparison.Ordinal);
            Assert.Equal(TimeSpan.FromMinutes(1), failure.RetryAfter);
            Assert.Equal(1, budget.Used);
        }, Cancellation);

        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.Null(await another.ReserveAsync(Cancellation));
        Assert.Equal(3, another.Used);
        Assert.StartsWith("No request with a budget is sent", Assert.Single(replica.Log.At(LogLevel.Error)), StringComparison.Ordinal);
        Assert.Equal(1, replica.Log.Count("the database counts requests to providers again"));
    }

    [Fact]
    public async Task A_database_clock_that_was_set_back_does_not_forget_requests()
    {
        var budget = Open(replica, Hour with { Most = 1 });
        Assert.Null(await budget.ReserveAsync(Cancellation));
        await PassAsync("-30 days");

        Assert.InRange((await budget.ReserveAsync(Cancellation))!.Value, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Many_requests_become_few_rows_and_still_count()
    {
        var budget = Open(replica, new BudgetWindow(1003, TimeSpan.FromDays(1000)));
        await Shared.QueryAsync($"""
            insert into sent_request (source, provider, owner, at, until)
            select 'http', 'Shop', '{client}', clock_timestamp(), now() + interval '1000 days' from generate_series(1, 1000)
            """, Cancellation);

        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.Equal("1000", await RowsAsync());
        Assert.Equal("1002", await RecordedAsync());
        Assert.Equal(1002, budget.Used);

        Assert.Null(await budget.ReserveAsync(Cancellation));
        Assert.NotNull(await budget.ReserveAsync(Cancellation));
    }

    [Fact]
    public async Task A_reservation_deletes_what_no_window_needs_also_of_accounts_that_are_gone()
    {
        Assert.Null(await Open(replica, Hour).ReserveAsync(Cancellation));
        await PassAsync("61 min");

        Assert.Null(await replica.Get<IRequestBudgets>().Open(new BudgetKey("http", "Depot", client), [Hour]).ReserveAsync(Cancellation));

        Assert.Equal("0", await RowsAsync());
    }

    private IRequestBudget Open(ReplicaBench at, params IReadOnlyList<BudgetWindow> windows) =>
        at.Get<IRequestBudgets>().Open(new BudgetKey("http", "Shop", client), windows);

    /// <summary>Moves the recorded requests back in time.</summary>
    private Task<string> PassAsync(string time) => Shared.QueryAsync(
        $"update sent_request set at = at - interval '{time}', until = until - interval '{time}' where owner = '{client}'", Cancellation);

    private Task<string> RowsAsync() =>
        Shared.QueryAsync($"select count(*) from sent_request where provider = 'Shop' and owner = '{client}'", Cancellation);

    private Task<string> RecordedAsync() =>
        Shared.QueryAsync($"select sum(count) from sent_request where provider = 'Shop' and owner = '{client}'", Cancellation);
}
