using Exporter.Postgres;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The queue over a real database, with a scripted provider.</summary>
public sealed class RenewalWorkerTests(SharedDatabase database) : ReplicaTests(database)
{
    [Fact]
    public async Task A_due_token_is_renewed_and_saved_with_its_schedule()
    {
        await replica.CreateAsync("car");

        await replica.RenewDueAsync();

        var row = await replica.FindAsync("car");
        Assert.Equal(("active", 2L, null), (row.State, row.Version, row.Error));
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
        Assert.Equal("refresh-0", Assert.Single(replica.Grant.ReceivedTokens)!.RefreshToken!.Reveal());
        Assert.InRange(row.RenewAt!.Value, replica.Time.GetUtcNow().AddHours(1), row.ExpiresAt!.Value);
        Assert.Equal("1", await Shared.QueryAsync("select sum(value) from counter where name = 'renewed'", Cancellation));
    }

    [Fact]
    public async Task Two_replicas_renew_each_account_once()
    {
        for (var i = 0; i < 30; i++)
        {
            await replica.CreateAsync($"car-{i}");
        }
        await using var other = new ReplicaBench(Shared);

        await Task.WhenAll(replica.RenewDueAsync(), other.RenewDueAsync());

        Assert.Equal(30, replica.Grant.Requests + other.Grant.Requests);
        Assert.Equal("30", await Shared.QueryAsync("select count(*) from account where version = 2", Cancellation));
    }

    [Fact]
    public async Task A_grant_that_needs_no_token_logs_in()
    {
        replica.Grant.NeedsNoToken = true;
        await replica.CreateAsync("car", hasToken: false);

        await replica.RenewDueAsync();

        Assert.Null(Assert.Single(replica.Grant.ReceivedTokens));
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task An_account_without_a_token_that_the_grant_needs_is_not_due_again()
    {
        await replica.CreateAsync("car", hasToken: false);

        await replica.RenewDueAsync();

        var row = await replica.FindAsync("car");
        Assert.Equal(("missing", null, 1L), (row.State, row.RenewAt, row.Attempt));
        Assert.Equal(0, replica.Grant.Requests);
    }

    [Fact]
    public async Task A_replica_whose_clock_is_behind_renews_what_is_due_for_the_database()
    {
        await replica.CreateAsync("car");
        replica.Time.StepWallClock(TimeSpan.FromHours(-2));

        await replica.StartAsync();
        await Shared.UntilAsync("select version from account", "2", Cancellation);

        Assert.Equal(1, replica.Grant.Requests);
    }

    /// <summary>The advance moves both clocks, the step only the wall clock.</summary>
    [Theory]
    [InlineData(6, 0)]
    [InlineData(0, 6)]
    [InlineData(0, -6)]
    [InlineData(6, -6)]
    public async Task Nothing_is_sent_after_five_seconds_on_either_clock(int advance, int step)
    {
        await replica.CreateAsync("car");
        await using (await Shared.BlockAsync(Cancellation))
        {
            await replica.StartAsync();
            await Shared.WaitingAsync(1, Cancellation);
            replica.Time.Advance(TimeSpan.FromSeconds(advance));
            replica.Time.StepWallClock(TimeSpan.FromSeconds(step));
        }

        await Shared.UntilAsync("select attempt from account where sent_at is null and lock_until is null", "1", Cancellation);

        Assert.Equal(0, replica.Grant.Requests);
        await replica.AdvanceUntilAsync(Shared.UntilAsync("select version from account", "2", Cancellation));
    }

    [Fact]
    public async Task Nothing_is_sent_without_the_database_and_what_is_due_is_renewed_afterwards()
    {
        await replica.CreateAsync("car");
        await Shared.StoppedAsync(replica, async () =>
        {
            await replica.StartAsync();
            while (replica.Log.Count("nothing is renewed until the database can be reached") == 0)
            {
                await Task.Yield();
            }
            Assert.Equal(0, replica.Grant.Requests);
        }, Cancellation);
        while (replica.Grant.Requests == 0)
        {
            replica.Time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancellation);
        }
        await Shared.UntilAsync("select version from account", "2", Cancellation);
        Assert.Equal(1, replica.Grant.Requests);
    }

    [Fact]
    public async Task The_reason_of_a_lost_login_names_the_interrupted_request()
    {
        var row = await replica.CreateAsync("car");
        await replica.Rows.TakeAsync(row.Id, Cancellation);
        await Shared.QueryAsync("update account set sent_at = '2026-11-01 10:00Z', lock_until = now() - interval '1 ms'", Cancellation);
        replica.Grant.Then(new Renewal.InvalidGrant("the refresh token is no longer accepted") { Error = "invalid_grant" });

        await replica.RenewDueAsync();

        var lost = await replica.FindAsync("car");
        Assert.Equal("lost", lost.State);
        Assert.Equal(
            "the refresh token is no longer accepted; a renewal sent at 2026-11-01 10:00:00Z was interrupted before its response was saved",
            lost.Reason);
        Assert.Equal([$"account car: the login is lost, log in again: {lost.Reason}"], replica.Log.At(LogLevel.Error));
    }

    [Fact]
    public async Task A_rejected_token_that_another_replica_has_replaced_is_not_lost()
    {
        await replica.CreateAsync("car");
        replica.Grant.Then(new Renewal.InvalidGrant("the refresh token is no longer accepted") { Error = "invalid_grant" });
        replica.Grant.Hold();
        var arrived = replica.Grant.Arrived;
        await replica.StartAsync();
        await arrived.WaitAsync(Cancellation);
        await Shared.QueryAsync("update account set version = version + 1", Cancellation);

        replica.Grant.Release();

        await Shared.UntilAsync("select count(*) from account where sent_at is null", "1", Cancellation);
        Assert.Equal(("active", 0), ((await replica.FindAsync("car")).State, (await replica.FindAsync("car")).Failures));
    }

    [Fact]
    public async Task The_waits_after_failures_grow_from_replica_to_replica()
    {
        await replica.CreateAsync("car");
        await FailAsync(replica);
        var row = await replica.FindAsync("car");
        // The waits are random parts of a limit that doubles from 30 seconds, so a short one proves nothing.
        for (var i = 2; i < 8 || (row.RenewAt - row.TriedAt < TimeSpan.FromMinutes(1) && i < 30); i++)
        {
            await replica.IsDueAsync();
            await using var other = new ReplicaBench(Shared);
            await FailAsync(other);
            row = await other.FindAsync("car");
            Assert.Equal(i, row.Failures);
        }

        Assert.Equal("no answer", row.Error);
        Assert.True(row.RenewAt - row.TriedAt > TimeSpan.FromMinutes(1), $"{row.RenewAt - row.TriedAt}");
    }

    [Fact]
    public async Task A_token_with_an_unknown_key_is_postponed_and_not_lost()
    {
        await replica.CreateAsync("car");
        var key = Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)]);
        await using var other = new ReplicaBench(Shared, TokenKeys.Parse($"second {key}", "keys").Value!);

        await other.RenewDueAsync();

        await IsPostponedAsync(other);
        await replica.IsDueAsync();
        await replica.RenewDueAsync();
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task An_account_with_an_unknown_template_is_postponed_and_not_lost()
    {
        await replica.CreateAsync("car");
        await using var other = new ReplicaBench(Shared, template: "other");

        await other.RenewDueAsync();

        await IsPostponedAsync(other);
        Assert.Contains("this replica's configuration has no template fleet", (await replica.FindAsync("car")).Error!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_of_a_replica_waits_for_the_renewal_in_flight()
    {
        await replica.CreateAsync("car");
        replica.Grant.Hold();
        var arrived = replica.Grant.Arrived;
        await replica.StartAsync();
        await arrived.WaitAsync(Cancellation);
        var worker = replica.Get<RenewalWorker>();
        await worker.StopAsync(Cancellation);

        using var patience = new CancellationTokenSource();
        var finish = worker.FinishAsync(patience.Token);
        Assert.False(finish.IsCompleted);
        replica.Grant.Release();
        await Shared.UntilAsync("select version from account", "2", Cancellation);
    }

    private async Task IsPostponedAsync(ReplicaBench other)
    {
        var row = await replica.FindAsync("car");
        Assert.Equal(("active", 1L, 0), (row.State, row.Version, row.Failures));
        Assert.InRange(row.RenewAt!.Value, other.Time.GetUtcNow(), other.Time.GetUtcNow().AddMinutes(2));
        Assert.Equal(0, other.Grant.Requests);
        Assert.NotEqual("", await Shared.QueryAsync("select error from account where sent_at is null and lock_until is null", Cancellation));
    }

    private static Task FailAsync(ReplicaBench replica)
    {
        replica.Grant.Then(new Renewal.Transient(FailureKind.Network, "no answer"));
        return replica.RenewDueAsync();
    }
}
