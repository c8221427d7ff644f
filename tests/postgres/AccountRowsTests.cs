using Exporter.Postgres;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The fence in the rows: who may send, and whose result is saved.</summary>
public sealed class AccountRowsTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private ReplicaBench replica = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AccountRows Rows => replica.Rows;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        replica = new ReplicaBench(database);
    }

    public ValueTask DisposeAsync() => replica.DisposeAsync();

    [Fact]
    public async Task Taking_a_row_records_the_attempt_and_when_it_is_sent_and_how_long_it_is_locked()
    {
        var row = await replica.CreateAsync("car");

        var taken = Assert.Single(await Rows.TakeDueAsync(10, Cancellation));

        Assert.Equal((row.Id, row.Attempt + 1, null), (taken.Id, taken.Attempt, taken.Interrupted));
        Assert.Equal("t", await Yes("attempt = 1 and holder is not null and sent_at <= now() and lock_until > sent_at"));
    }

    [Fact]
    public async Task Replicas_that_take_at_the_same_time_never_take_the_same_row()
    {
        for (var i = 0; i < 40; i++)
        {
            await replica.CreateAsync($"car-{i}");
        }

        var batches = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Rows.TakeDueAsync(10, Cancellation))));
        var rest = await Rows.TakeDueAsync(100, Cancellation);

        Assert.Equal(40, batches.SelectMany(rows => rows).Concat(rest).DistinctBy(row => row.Id).Count());
        Assert.Equal(40, batches.Sum(rows => rows.Count) + rest.Count);
    }

    [Fact]
    public async Task A_row_in_flight_is_not_taken_until_its_lock_ends()
    {
        var row = await replica.CreateAsync("car");
        Assert.NotNull(await Rows.TakeAsync(row.Id, Cancellation));

        Assert.Empty(await Rows.TakeDueAsync(10, Cancellation));
        Assert.Null(await Rows.TakeAsync(row.Id, Cancellation));
        await database.QueryAsync("update account set lock_until = now() - interval '1 ms'", Cancellation);

        var again = Assert.Single(await Rows.TakeDueAsync(10, Cancellation));
        Assert.Equal(2, again.Attempt);
        Assert.NotNull(again.Interrupted);
    }

    [Theory]
    [InlineData("-1 h", 30)]
    [InlineData("20 s", 30)]
    [InlineData("2 min", 110)]
    [InlineData("3 h", 600)]
    public async Task The_lock_ends_near_the_end_of_the_access_token(string expiresIn, int seconds)
    {
        var row = await replica.CreateAsync("car");
        await database.QueryAsync($"update account set expires_at = now() + interval '{expiresIn}'", Cancellation);

        await Rows.TakeAsync(row.Id, Cancellation);

        var locked = int.Parse(await database.QueryAsync(
            "select round(extract(epoch from lock_until - sent_at))::int from account", Cancellation), null);
        // The token's end counts from a moment earlier than the lock.
        Assert.InRange(locked, Math.Max(30, seconds - 30), seconds);
    }

    [Fact]
    public async Task A_late_process_saves_the_only_copy_of_a_token_although_another_one_holds_the_row()
    {
        var late = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;
        await database.QueryAsync("update account set lock_until = now() - interval '1 ms'", Cancellation);
        Assert.NotNull(await Rows.TakeAsync(late.Id, Cancellation));

        Assert.Equal([late.Id], await Rows.SaveAsync([Renewed(late, "1")], Cancellation));

        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task Of_two_results_for_one_token_only_the_first_is_saved()
    {
        var row = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;

        Assert.Equal([row.Id], await Rows.SaveAsync([Renewed(row, "1")], Cancellation));
        Assert.Empty(await Rows.SaveAsync([Renewed(row, "2")], Cancellation));

        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Theory]
    [InlineData("logout")]
    [InlineData("login")]
    [InlineData("deletion")]
    public async Task After_a_change_by_a_user_nothing_is_saved(string change)
    {
        var row = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;
        var login = replica.Token("login", TimeSpan.FromHours(1));
        Task<long?> LogIn() => Rows.WriteAsync(row.Id, row.Version, AccountRow.Seal(ReplicaBench.Keys, "car", login), Active(login), Cancellation);
        await (change switch
        {
            "logout" => Rows.LogOutAsync(row.Id, Cancellation),
            "login" => LogIn(),
            _ => database.QueryAsync("delete from account", Cancellation),
        });

        Assert.Empty(await Rows.SaveAsync([Renewed(row, "1")], Cancellation));
        Assert.Empty(await Rows.SaveAsync([Failed(row)], Cancellation));

        Assert.Equal(change == "login" ? "1" : "0", await database.QueryAsync("select count(token) from account where failures = 0", Cancellation));
    }

    [Fact]
    public async Task A_failure_is_recorded_only_by_the_latest_attempt()
    {
        var first = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;
        await database.QueryAsync("update account set lock_until = now() - interval '1 ms'", Cancellation);
        var second = (await Rows.TakeAsync(first.Id, Cancellation))!;

        Assert.Empty(await Rows.SaveAsync([Failed(first)], Cancellation));
        Assert.Equal("t", await Yes("sent_at is not null and failures = 0"));
        Assert.Equal([second.Id], await Rows.SaveAsync([Failed(second)], Cancellation));
        Assert.Equal("t", await Yes("sent_at is null and failures = 1"));
    }

    [Fact]
    public async Task Only_the_latest_attempt_releases_the_row()
    {
        var first = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;
        await database.QueryAsync("update account set lock_until = now() - interval '1 ms'", Cancellation);
        await Rows.TakeAsync(first.Id, Cancellation);

        await Rows.ReleaseAsync(first.Id, first.Attempt, Cancellation);
        await Rows.PostponeAsync(first.Id, first.Attempt, DateTimeOffset.UnixEpoch, "late", Cancellation);

        Assert.Equal("t", await Yes("sent_at is not null and error is null"));
    }

    [Fact]
    public async Task A_login_after_a_logout_is_saved_only_by_a_process_that_saw_the_logout()
    {
        var row = await replica.CreateAsync("car");
        await Rows.LogOutAsync(row.Id, Cancellation);
        var login = replica.Token("login", TimeSpan.FromHours(1));
        var content = AccountRow.Seal(ReplicaBench.Keys, "car", login);

        Assert.Null(await Rows.WriteAsync(row.Id, row.Version, content, Active(login), Cancellation));
        Assert.Equal(row.Version + 2, await Rows.WriteAsync(row.Id, null, content, Active(login), Cancellation));
    }

    [Fact]
    public async Task A_reason_that_is_no_valid_Unicode_is_saved()
    {
        var row = (await Rows.TakeAsync((await replica.CreateAsync("car")).Id, Cancellation))!;
        var change = Failed(row);

        var saved = await Rows.SaveAsync([change with { Next = change.Next with { LastError = "half \ud83d of a\0pair" } }], Cancellation);

        Assert.Equal([row.Id], saved);
        Assert.Equal("half \ufffd of a pair", (await replica.FindAsync("car")).Error);
    }

    private Task<string> Yes(string condition) =>
        database.QueryAsync($"select case when {condition} then 't' else 'f' end from account", Cancellation);

    private static TokenProgress Active(Token token) => new(new TokenState.Active(token, token.ExpiresAt!.Value, 0), null, token.ExpiresAt);

    private RowChange Renewed(AccountRow row, string number)
    {
        var token = replica.Token(number, TimeSpan.FromHours(1));
        return new RowChange(row.Id, row.Version, row.Attempt, AccountRow.Seal(ReplicaBench.Keys, row.Name, token), Active(token))
        {
            Source = row.Source,
            Outcome = "renewed",
        };
    }

    private static RowChange Failed(AccountRow row) => new(
        row.Id, row.Version, row.Attempt, null, row.Progress(ReplicaBench.Keys).Value! with { Failures = row.Failures + 1, LastError = "no answer" })
    {
        Source = row.Source,
        Outcome = "network",
    };
}
