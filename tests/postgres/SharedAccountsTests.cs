using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The accounts of the shared store, as pages and the API use them.</summary>
public sealed class SharedAccountsTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private static readonly DateTimeOffset Later = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private ReplicaBench replica = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ISharedAccounts Accounts => replica.Accounts;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        replica = new ReplicaBench(database);
    }

    public ValueTask DisposeAsync() => replica.DisposeAsync();

    [Fact]
    public async Task An_account_with_a_refresh_token_is_created_and_renewed_at_once()
    {
        var (created, problem) = await Accounts.CreateAsync(new("car", "fleet", new Secret("refresh-0")), Cancellation);

        Assert.Null(problem);
        Assert.Equal(("car", "fleet", "scripted", "active"), (created!.Name, created.Template, created.Source, created.Status.State));
        await replica.RenewDueAsync();
        Assert.Equal("refresh-0", Assert.Single(replica.Grant.ReceivedTokens)!.RefreshToken!.Reveal());
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task An_account_without_a_token_waits_for_a_login()
    {
        var (created, _) = await Accounts.CreateAsync(new("car", "fleet", null), Cancellation);

        Assert.Equal("missing", created!.Status.State);
        Assert.Null((await replica.FindAsync("car")).RenewAt);
        Assert.Equal(new SharedToken.LoginRequired("no user has logged in"), await Accounts.GetTokenAsync("car", Cancellation));
    }

    [Fact]
    public async Task An_account_whose_grant_needs_no_token_logs_in()
    {
        replica.Grant.NeedsNoToken = true;

        await Accounts.CreateAsync(new("car", "fleet", null), Cancellation);
        await replica.RenewDueAsync();

        Assert.Equal("access-1", Assert.IsType<SharedToken.Valid>(await Accounts.GetTokenAsync("car", Cancellation)).AccessToken.Reveal());
    }

    [Fact]
    public async Task An_account_that_cannot_be_created_changes_nothing()
    {
        await Accounts.CreateAsync(new("car", "fleet", new Secret("refresh-0")), Cancellation);

        Assert.IsType<SharedAccountProblem.NameTaken>((await Accounts.CreateAsync(new("car", "fleet", null), Cancellation)).Failure);
        Assert.IsType<SharedAccountProblem.InvalidName>((await Accounts.CreateAsync(new("my car", "fleet", null), Cancellation)).Failure);
        var (_, problem) = await Accounts.CreateAsync(new("b", "boats", null), Cancellation);
        var unknown = Assert.IsType<SharedAccountProblem.UnknownTemplate>(problem);

        Assert.Equal(["fleet"], unknown.Templates);
        Assert.Equal("1", await database.QueryAsync("select count(*) from account", Cancellation));
        Assert.Equal("refresh-0", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task Accounts_are_listed_in_pages_in_the_order_of_their_names()
    {
        foreach (var name in new[] { "b", "a", "B", "c", "a.1" })
        {
            await replica.CreateAsync(name);
        }

        var first = await Accounts.ListAsync(new SharedAccountQuery { Limit = 2 }, Cancellation);
        var second = await Accounts.ListAsync(new SharedAccountQuery { Limit = 2, After = first.Next }, Cancellation);
        var third = await Accounts.ListAsync(new SharedAccountQuery { Limit = 2, After = second.Next }, Cancellation);

        Assert.Equal(["B", "a", "a.1", "b", "c"], new[] { first, second, third }.SelectMany(page => page.Accounts).Select(one => one.Name));
        Assert.Equal(("a", "b", null), (first.Next, second.Next, third.Next));
        Assert.All([first, second, third], page => Assert.Equal((5, false), (page.Total, page.IsTotalCapped)));
    }

    [Fact]
    public async Task Accounts_are_listed_by_each_filter()
    {
        await replica.CreateAsync("Car-1");
        await replica.CreateAsync("car_2", template: "other");
        await replica.CreateAsync("boat");
        await database.QueryAsync("update account set state = 'lost', reason = 'rejected' where name = 'boat'", Cancellation);
        await database.QueryAsync("update account set source = 'other' where name = 'car_2'", Cancellation);

        Assert.Equal("boat", await NamesAsync(new() { State = "lost" }));
        Assert.Equal("Car-1 car_2", await NamesAsync(new() { State = "active" }));
        Assert.Equal("car_2", await NamesAsync(new() { Source = "other" }));
        Assert.Equal("car_2", await NamesAsync(new() { Templates = ["other", "missing"] }));
        Assert.Equal("", await NamesAsync(new() { Templates = [] }));
        Assert.Equal("Car-1 boat car_2", await NamesAsync(new() { Templates = ["fleet", "other"] }));
        Assert.Equal("Car-1 car_2", await NamesAsync(new() { Find = "CAR" }));
        Assert.Equal("car_2", await NamesAsync(new() { Find = "_" }));
        Assert.Equal("", await NamesAsync(new() { Find = "%" }));
        Assert.Equal("", await NamesAsync(new() { Find = "car", State = "lost" }));
    }

    [Fact]
    public async Task A_deleted_account_is_gone_and_its_name_is_free()
    {
        await replica.CreateAsync("car");

        Assert.True(await Accounts.DeleteAsync("car", Cancellation));

        Assert.False(await Accounts.DeleteAsync("car", Cancellation));
        Assert.Null(await Accounts.FindAsync("car", Cancellation));
        Assert.IsType<SharedToken.NoAccount>(await Accounts.GetTokenAsync("car", Cancellation));
        Assert.NotNull((await Accounts.CreateAsync(new("car", "fleet", null), Cancellation)).Value);
    }

    [Fact]
    public async Task An_account_whose_template_was_removed_is_found()
    {
        await replica.CreateAsync("car", template: "former");

        var found = await Accounts.FindAsync("car", Cancellation);

        Assert.Equal(("former", "scripted"), (found!.Template, found.Source));
        Assert.Null(await Accounts.OpenAsync("car", Cancellation));
    }

    [Fact]
    public async Task A_program_gets_the_access_token_or_the_reason()
    {
        await replica.CreateAsync("car");
        Assert.Equal("access-0", Assert.IsType<SharedToken.Valid>(await Accounts.GetTokenAsync("car", Cancellation)).AccessToken.Reveal());

        replica.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(
            new SharedToken.NotNow("the token is being renewed", TimeSpan.FromSeconds(10)), await Accounts.GetTokenAsync("car", Cancellation));

        await database.QueryAsync("update account set error = 'no answer'", Cancellation);
        Assert.Equal("no answer", Assert.IsType<SharedToken.NotNow>(await Accounts.GetTokenAsync("car", Cancellation)).Reason);

        await database.QueryAsync("update account set state = 'lost', reason = 'rejected', renew_at = null", Cancellation);
        Assert.Equal(new SharedToken.LoginRequired("rejected"), await Accounts.GetTokenAsync("car", Cancellation));
    }

    [Fact]
    public async Task A_link_works_once_on_all_replicas_together()
    {
        await using var other = new ReplicaBench(database);
        Assert.False(await Accounts.IsLinkUsedAsync("link", Cancellation));

        var uses = await Task.WhenAll(Enumerable.Range(0, 10).Select(
            i => (i % 2 == 0 ? replica : other).Accounts.UseLinkAsync("link", Later, Cancellation)));

        Assert.Single(uses, isFirst => isFirst);
        Assert.True(await other.Accounts.IsLinkUsedAsync("link", Cancellation));
        Assert.True(await Accounts.UseLinkAsync("another link", Later, Cancellation));
    }

    [Fact]
    public async Task Expired_links_are_forgotten()
    {
        await Accounts.UseLinkAsync("old", DateTimeOffset.UnixEpoch, Cancellation);

        await Accounts.UseLinkAsync("new", Later, Cancellation);

        Assert.Equal("new", await database.QueryAsync("select string_agg(id, ' ') from used_link", Cancellation));
    }

    [Fact]
    public Task Without_the_database_every_call_says_so_and_when_to_try_again() => database.StoppedAsync(replica, async () =>
    {
        Func<Task>[] calls =
        [
            () => Accounts.CreateAsync(new("car", "fleet", null), Cancellation),
            () => Accounts.ListAsync(new SharedAccountQuery(), Cancellation),
            () => Accounts.FindAsync("car", Cancellation),
            () => Accounts.DeleteAsync("car", Cancellation),
            () => Accounts.OpenAsync("car", Cancellation),
            () => Accounts.GetTokenAsync("car", Cancellation),
            () => Accounts.UseLinkAsync("link", Later, Cancellation),
            () => Accounts.IsLinkUsedAsync("link", Cancellation),
        ];
        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAsync<StoreUnavailableException>(call);
            Assert.StartsWith("the database ", failure.Reason, StringComparison.Ordinal);
            Assert.Equal(TimeSpan.FromSeconds(5), failure.RetryAfter);
        }
    }, Cancellation);

    private async Task<string> NamesAsync(SharedAccountQuery query)
    {
        var page = await Accounts.ListAsync(query, Cancellation);
        Assert.Equal(page.Accounts.Count, page.Total);
        return string.Join(' ', page.Accounts.Select(account => account.Name));
    }
}
