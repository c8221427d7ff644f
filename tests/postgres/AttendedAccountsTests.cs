using Exporter.Accounts;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The accounts that users work with at one replica.</summary>
public sealed class AttendedAccountsTests(SharedDatabase database) : ReplicaTests(database)
{
    [Fact]
    public async Task An_account_closes_30_minutes_after_its_last_use()
    {
        await CreateAsync("car");
        await replica.Attended.StartAsync(Cancellation);
        var account = await OpenAsync();

        replica.Time.Advance(TimeSpan.FromMinutes(20));
        Assert.Same(account, await OpenAsync());
        replica.Time.Advance(TimeSpan.FromMinutes(20));
        Assert.Same(account, await OpenAsync());
        replica.Time.Advance(TimeSpan.FromMinutes(32));
        await ClosedAsync(account);

        Assert.NotSame(account, await OpenAsync());
        await replica.Attended.StopAsync(Cancellation);
    }

    [Fact]
    public async Task An_account_with_a_login_in_progress_stays_open()
    {
        await CreateAsync("busy");
        await CreateAsync("idle");
        await replica.Attended.StartAsync(Cancellation);
        var (busy, idle) = (await OpenAsync("busy"), await OpenAsync("idle"));
        busy.TokenManager.ShowLogin(new Login(new Uri("https://login.example/"), "ABCD", replica.Time.GetUtcNow().AddDays(1)));

        replica.Time.Advance(TimeSpan.FromMinutes(32));
        await ClosedAsync(idle);

        Assert.Same(busy, await OpenAsync("busy"));
        await replica.Attended.StopAsync(Cancellation);
    }

    [Fact]
    public async Task An_open_account_adopts_what_the_queue_did()
    {
        await CreateAsync("car");
        var account = await OpenAsync();
        await using var other = new ReplicaBench(Shared);

        await replica.IsDueAsync();
        await other.RenewDueAsync();
        await OpenAsync();
        Assert.Equal("refresh-1", account.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal());

        other.Grant.Then(new Renewal.InvalidGrant("rejected") { Error = "invalid_grant" });
        await replica.IsDueAsync();
        await other.AdvanceUntilAsync(Shared.UntilAsync("select state from account", "lost", Cancellation));
        await OpenAsync();
        Assert.Equal("rejected", Assert.IsType<TokenState.Lost>(account.TokenManager.Snapshot.State).Reason);
        Assert.Equal(0, replica.Grant.Requests);
    }

    [Fact]
    public async Task An_account_that_another_replica_deleted_is_closed()
    {
        await CreateAsync("car");
        var account = await OpenAsync();
        await Shared.QueryAsync("delete from account", Cancellation);

        Assert.Null(await replica.Attended.OpenAsync("car", Cancellation));

        Assert.True(account.Leaving.IsCancellationRequested);
    }

    [Fact]
    public async Task An_account_that_was_created_again_under_its_name_is_another_account()
    {
        await CreateAsync("car");
        var account = await OpenAsync();
        await Shared.QueryAsync("delete from account", Cancellation);
        await CreateAsync("car");

        Assert.NotSame(account, await OpenAsync());

        Assert.True(account.Leaving.IsCancellationRequested);
        Assert.Equal("refresh-0", await replica.RefreshTokenOfAsync("car"));
    }

    private async Task CreateAsync(string name)
    {
        await replica.CreateAsync(name);
        await replica.IsNotDueAsync();
    }

    private async Task<Account> OpenAsync(string name = "car") => (await replica.Attended.OpenAsync(name, Cancellation))!;

    private async Task ClosedAsync(Account account)
    {
        var closed = new TaskCompletionSource();
        await using var registration = account.Leaving.Register(closed.SetResult);
        await replica.AdvanceUntilAsync(closed.Task);
    }
}
