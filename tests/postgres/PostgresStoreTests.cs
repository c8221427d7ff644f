using Exporter.Postgres;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>What users do at one replica while another one renews.</summary>
public sealed class PostgresStoreTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private ReplicaBench renewing = null!;
    private ReplicaBench attended = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        (renewing, attended) = (new ReplicaBench(database), new ReplicaBench(database));
    }

    public async ValueTask DisposeAsync()
    {
        await renewing.DisposeAsync();
        await attended.DisposeAsync();
    }

    [Fact]
    public async Task A_login_during_a_renewal_of_another_replica_stays()
    {
        var manager = await OpenWhileRenewingAsync();

        var login = manager.AdoptAsync(attended.Token("login", TimeSpan.FromHours(1)), Cancellation);
        await attended.AdvanceUntilAsync(login);
        renewing.Grant.Release();
        while (renewing.Log.Count("the token of the renewal is dropped") == 0)
        {
            await Task.Yield();
        }

        Assert.Equal("refresh-login", await attended.RefreshTokenOfAsync("car"));
        Assert.Equal("refresh-login", manager.Snapshot.State.Token!.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task A_login_that_waits_for_the_renewal_of_another_replica_replaces_its_token()
    {
        var manager = await OpenWhileRenewingAsync();

        var login = manager.AdoptAsync(attended.Token("login", TimeSpan.FromHours(1)), Cancellation);
        renewing.Grant.Release();
        await database.UntilAsync("select version from account", "2", Cancellation);
        await attended.AdvanceUntilAsync(login);

        Assert.Equal("refresh-login", await attended.RefreshTokenOfAsync("car"));
        Assert.Equal("1", await database.QueryAsync("select count(*) from account where sent_at is null and lock_until is null", Cancellation));
    }

    [Fact]
    public async Task A_pasted_token_is_not_sent_while_another_replica_renews_for_more_than_ten_seconds()
    {
        var manager = await OpenWhileRenewingAsync();
        var started = attended.Time.GetUtcNow();

        var paste = manager.TryAsync(new Secret("pasted"), Cancellation);
        await attended.AdvanceUntilAsync(paste);

        Assert.Equal(new Renewal.Transient(FailureKind.Locked, "another replica renews the token; try again in a minute"), await paste);
        Assert.True(attended.Time.GetUtcNow() - started >= TimeSpan.FromSeconds(10));
        Assert.Equal(0, attended.Grant.Requests);
    }

    [Fact]
    public async Task A_logout_waits_for_the_renewal_of_another_replica()
    {
        var manager = await OpenWhileRenewingAsync();

        var logout = manager.ForgetAsync(Cancellation);
        renewing.Grant.Release();
        await database.UntilAsync("select version from account", "2", Cancellation);
        await attended.AdvanceUntilAsync(logout);

        Assert.Null((await logout).Failure);
        var row = await attended.FindAsync("car");
        Assert.Equal((true, "missing", null, null), (row.IsLoggedOut, row.State, row.SealedToken, row.RenewAt));
        await database.UntilAsync("select count(*) from account where sent_at is null and lock_until is null", "1", Cancellation);
    }

    [Fact]
    public async Task A_logout_says_after_ten_seconds_that_another_replica_renews()
    {
        var manager = await OpenWhileRenewingAsync();

        var logout = manager.ForgetAsync(Cancellation);
        await attended.AdvanceUntilAsync(logout);

        Assert.Equal("another replica renews the token; try again in a minute", (await logout).Failure);
        renewing.Grant.Release();
        await database.UntilAsync("select version from account", "2", Cancellation);
        Assert.Equal("refresh-1", await attended.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task A_token_that_cannot_be_saved_keeps_its_attempt_in_doubt()
    {
        var store = attended.Store(await attended.CreateAsync("car"));
        await LockedAsync(store);
        var held = await LockedAsync(store, isLocked: true);
        var read = Assert.IsType<ReadResult.Held>(await store.ReadAsync(Cancellation));
        await database.StoppedAsync(attended, async () =>
        {
            Assert.IsType<WriteResult.Failed>(await store.WriteAsync(attended.Token("1", TimeSpan.FromHours(1)), read.Stamp, Cancellation));
        }, Cancellation);
        held.Release();
        Assert.Equal("1", await CountAsync("sent_at is not null and lock_until > now()"));

        Assert.IsType<WriteResult.Written>(await store.WriteAsync(attended.Token("1", TimeSpan.FromHours(1)), read.Stamp, Cancellation));

        Assert.Equal("1", await CountAsync("sent_at is null and lock_until is null and version = 2"));
    }

    [Fact]
    public async Task A_lock_without_a_request_is_released()
    {
        var store = attended.Store(await attended.CreateAsync("car"));

        (await LockedAsync(store, isLocked: true)).Release();

        await database.UntilAsync("select count(*) from account where sent_at is null", "1", Cancellation);
    }

    [Fact]
    public async Task The_lock_of_a_deleted_account_says_so_at_once()
    {
        var store = attended.Store(await attended.CreateAsync("car"));
        await database.QueryAsync("delete from account", Cancellation);

        var busy = Assert.IsType<StoreLock.Busy>(await store.LockAsync(Cancellation));

        Assert.Equal("the account was deleted", busy.Holder);
    }

    [Fact]
    public async Task A_request_is_not_sent_after_five_seconds_with_the_lock()
    {
        var store = attended.Store(await attended.CreateAsync("car"));
        var held = Assert.IsType<StoreLock.Taken>(await LockedAsync(store, isLocked: true));
        Assert.Null(held.Sending());

        attended.Time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal("this replica was too slow after it had taken the account; another one continues", held.Sending());
    }

    [Fact]
    public async Task Without_the_database_the_lock_is_busy()
    {
        var store = attended.Store(await attended.CreateAsync("car"));
        await database.StoppedAsync(attended, async () =>
        {
            var busy = Assert.IsType<StoreLock.Busy>(await store.LockAsync(Cancellation));
            Assert.StartsWith("the database ", busy.Holder, StringComparison.Ordinal);
            Assert.IsType<ReadResult.Unreadable>(await store.ReadAsync(Cancellation));
            Assert.IsType<WriteResult.Failed>(await store.LogOutAsync(Cancellation));
        }, Cancellation);
    }

    private async Task<TokenManager> OpenWhileRenewingAsync()
    {
        await renewing.CreateAsync("car");
        await renewing.IsNotDueAsync();
        var account = (await attended.Attended.OpenAsync("car", Cancellation))!;
        await renewing.IsDueAsync();
        renewing.Grant.Hold();
        var arrived = renewing.Grant.Arrived;
        await renewing.StartAsync();
        await arrived.WaitAsync(Cancellation);
        return account.TokenManager;
    }

    private Task<string> CountAsync(string condition) => database.QueryAsync($"select count(*) from account where {condition}", Cancellation);

    /// <summary>With the lock, or after it is released again.</summary>
    private async Task<StoreLock> LockedAsync(PostgresStore store, bool isLocked = false)
    {
        var held = Assert.IsType<StoreLock.Taken>(await store.LockAsync(Cancellation));
        if (!isLocked)
        {
            held.Release();
            await database.UntilAsync("select count(*) from account where sent_at is null", "1", Cancellation);
        }
        return held;
    }
}
