using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>What a token manager does with callers, with outcomes, and with people.</summary>
public class TokenManagerTests
{
    private static readonly Renewal NoNetwork = new Renewal.Transient(FailureKind.Network, "no route");
    private static readonly Renewal Dead = new Renewal.InvalidGrant("the refresh token is no longer accepted (HTTP 400, invalid_grant)");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Row_01_callers_at_expiry_share_one_renewal_and_each_may_give_up_without_ending_it()
    {
        using var kept = await new Kept().Loaded();
        kept.Time.Advance(4 * Kept.Hour);
        kept.Grant.Hold();
        using var givingUp = new CancellationTokenSource();
        var arrived = kept.Grant.Arrived;

        var patient = Enumerable.Range(0, 200).Select(_ => kept.TokenManager.GetTokenAsync(Cancellation).AsTask()).ToList();
        var impatient = kept.TokenManager.GetTokenAsync(givingUp.Token).AsTask();
        await arrived;
        await givingUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        kept.Grant.Release();

        Assert.All(await Task.WhenAll(patient), token => Assert.Equal("access-1", token?.AccessToken?.Reveal()));
        Assert.Equal((1, 200), (kept.Grant.Requests, kept.TokenManager.SharedRenewals));
    }

    /// <summary>Real threads, for what is between two lines of the token manager: who comes while a token is made ready is not sent away.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row_01_nobody_goes_without_a_token_that_is_to_be_had(bool isFirst)
    {
        for (var round = 0; round < 2000; round++)
        {
            using var kept = new Kept(isFirst ? new MemoryStore() : null);
            kept.Grant.NeedsNoToken = true;
            if (!isFirst)
            {
                await kept.Loaded();
                kept.Time.Advance(4 * Kept.Hour);
            }
            var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(() => kept.TokenManager.GetTokenAsync(Cancellation).AsTask(), Cancellation));

            Assert.All(await Task.WhenAll(callers), token => Assert.Equal("access-1", token?.AccessToken?.Reveal()));
            Assert.Equal(1, kept.Grant.Requests);
        }
    }

    [Fact]
    public async Task Row_01_a_failure_is_shared_and_not_kept_for_later_callers()
    {
        using var kept = await new Kept().Loaded();
        kept.Time.Advance(4 * Kept.Hour);
        kept.Grant.Then(_ => throw new InvalidOperationException("broken grant"));

        Assert.Null(await kept.TokenManager.GetTokenAsync(Cancellation));
        await kept.WhenDue();

        Assert.Equal("access-1", (await kept.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        Assert.Contains("unexpected failure (InvalidOperationException at Exporter.Tests", kept.Logs.At(LogLevel.Warning).Single());
    }

    [Fact]
    public async Task Row_02_who_comes_late_with_the_token_before_does_not_renew_again()
    {
        using var kept = await new Kept().Loaded();
        var before = new Secret(kept.Access!);
        await kept.WhenDue();

        await kept.TokenManager.RenewAsync(before, Cancellation);
        await kept.Visit();

        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_02_the_store_is_read_again_under_the_lock()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();
        time.Advance(kept.TokenManager.NextRenewal!.Value - time.GetUtcNow());
        directory.Write("token.json", Kept.Json(Kept.Some(time, number: "theirs")));

        await kept.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal((0, "access-theirs"), (kept.Grant.Requests, kept.Access));
        Assert.Equal(1, kept.Snapshot.History.Adoptions);
    }

    [Fact]
    public async Task Row_06_invalid_grant_reads_the_store_once_more_before_the_token_is_lost()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();
        kept.Grant.Then(_ =>
        {
            directory.Write("token.json", Kept.Json(Kept.Some(time, number: "theirs")));
            return Dead;
        });

        await kept.WhenDue();

        Assert.IsType<TokenState.Active>(kept.State);
        Assert.Equal((1, "access-theirs"), (kept.Grant.Requests, kept.Access));
    }

    [Fact]
    public async Task Row_06_a_lost_token_costs_one_request_and_stays_in_the_store_and_in_use_until_it_ends()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Then(Dead);

        await kept.WhenDue();
        Assert.Equal("access-0", (await kept.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        for (var minute = 0; minute < 600; minute++)
        {
            kept.Time.Advance(TimeSpan.FromMinutes(1));
            await kept.Visit();
            await kept.TokenManager.GetTokenAsync(Cancellation);
        }

        Assert.IsType<TokenState.Lost>(kept.State);
        Assert.Null(await kept.TokenManager.GetTokenAsync(Cancellation));
        Assert.Equal((1, "refresh-0"), (kept.Grant.Requests, await kept.StoredRefresh()));
        Assert.Single(kept.Logs.At(LogLevel.Error));
    }

    [Fact]
    public async Task Row_06_a_lost_account_lives_again_as_soon_as_the_store_holds_another_token()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Then(Dead);
        await kept.WhenDue();
        var stamp = ((ReadResult.Held)await kept.Store.ReadAsync(Cancellation)).Stamp;

        await kept.Store.WriteAsync(Kept.Some(kept.Time, number: "theirs"), stamp, Cancellation);
        await kept.Visit();

        Assert.IsType<TokenState.Active>(kept.State);
        Assert.Equal("access-theirs", kept.Access);
    }

    [Fact]
    public async Task Row_07_a_refused_client_is_tried_again_slowly_and_keeps_its_token()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Then(Enumerable.Repeat<Renewal>(new Renewal.InvalidClient("the client id or the client secret is not accepted"), 3));

        await kept.WhenDue();
        var first = Assert.IsType<TokenState.InvalidClient>(kept.State).RetryAt - kept.Time.GetUtcNow();
        await kept.TokenManager.RenewAsync(new Secret("access-0"), Cancellation);
        await kept.WhenDue();
        await kept.WhenDue();
        Assert.Equal(3, kept.Grant.Requests);
        await kept.WhenDue();

        Assert.True(first >= Kept.Hour);
        Assert.Equal(("access-1", typeof(TokenState.Active)), (kept.Access, kept.State.GetType()));
        Assert.Equal("refresh-0", kept.Grant.Asked[^1]?.RefreshToken?.Reveal());
    }

    [Fact]
    public async Task Row_08_a_failure_on_the_way_is_tried_again_with_growing_waits_and_the_token_stays_in_use()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Then(Enumerable.Repeat(NoNetwork, 8));

        for (var failure = 1; failure <= 8; failure++)
        {
            await kept.WhenDue();
            var active = Assert.IsType<TokenState.Active>(kept.State);
            Assert.Equal(failure, active.FailedRenewals);
            Assert.InRange(active.RenewAt - kept.Time.GetUtcNow(), TimeSpan.FromSeconds(1), kept.Options.Retry.Longest);
        }
        Assert.NotNull(await kept.TokenManager.GetTokenAsync(Cancellation));
        await kept.WhenDue();

        Assert.Equal(0, Assert.IsType<TokenState.Active>(kept.State).FailedRenewals);
        Assert.Equal(8, kept.Snapshot.History.Failures[FailureKind.Network]);
        Assert.Null(kept.Snapshot.History.LastError);
    }

    [Fact]
    public async Task Row_08_an_ended_token_waits_for_its_turn_and_not_for_every_caller()
    {
        using var kept = await new Kept().Loaded();
        kept.Time.Advance(4 * Kept.Hour);
        kept.Grant.Then(NoNetwork);

        for (var scrape = 0; scrape < 50; scrape++)
        {
            Assert.Null(await kept.TokenManager.GetTokenAsync(Cancellation));
        }

        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_13_an_answer_lost_on_the_way_is_asked_for_again_soon_with_the_same_refresh_token()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Then(new Renewal.Transient(FailureKind.Timeout, "no answer"));

        await kept.WhenDue();
        Assert.InRange(kept.TokenManager.NextRenewal!.Value - kept.Time.GetUtcNow(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4));
        await kept.WhenDue();

        Assert.Equal(["refresh-0", "refresh-0"], kept.Grant.Asked.Select(t => t?.RefreshToken?.Reveal()));
        Assert.Equal("access-1", kept.Access);
    }

    [Fact]
    public async Task Row_13_a_restart_can_tell_that_a_renewal_was_cut_off()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", Kept.Json(Kept.Some(time)));
        directory.Write("token.json.lock", "4711 2026-11-21T11:59:58.0000000+00:00\n");
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();
        kept.Grant.Then(Dead);

        await kept.WhenDue();

        Assert.Contains("a renewal sent at 2026-11-21 11:59:58Z was interrupted", Assert.IsType<TokenState.Lost>(kept.State).Reason);
    }

    [Fact]
    public async Task Row_14_the_new_token_is_in_the_store_before_anyone_sees_it()
    {
        using var kept = new Kept(new WatchedStore(new MemoryStore(Kept.Some(new ManualTime()))));
        await kept.Loaded();
        string? seen = null;
        ((WatchedStore)kept.Store).BeforeWrite = () => seen = kept.Access;

        await kept.WhenDue();

        Assert.Equal(("access-0", "access-1"), (seen, kept.Access));
    }

    [Fact]
    public async Task A_refresh_token_that_a_person_brings_is_tried_under_the_stores_lock()
    {
        var calls = new List<string>();
        using var kept = new Kept(new WatchedStore(new MemoryStore()) { BeforeLock = () => calls.Add("lock"), BeforeWrite = () => calls.Add("write"), BeforeRelease = () => calls.Add("release") });
        await kept.Loaded();
        kept.Grant.Then(brought =>
        {
            calls.Add("ask");
            return new Renewal.Renewed(brought!.After(Kept.Some(kept.Time, number: "1")));
        });

        Assert.IsType<Renewal.Renewed>(await kept.TokenManager.TryAsync(new Secret("brought"), Cancellation));

        Assert.Equal(["lock", "ask", "write", "release"], calls);
    }

    [Fact]
    public async Task Who_joins_a_renewal_for_a_refused_token_that_is_long_gone_gets_what_is_due()
    {
        using var kept = await new Kept(new WatchedStore(new MemoryStore(Kept.Some(new ManualTime())))).Loaded();
        kept.Time.Advance(4 * Kept.Hour);
        Task<Token?>? joining = null;
        ((WatchedStore)kept.Store).BeforeLock = () => joining ??= kept.TokenManager.GetTokenAsync(Cancellation).AsTask();

        await kept.TokenManager.RenewAsync(new Secret("long gone"), Cancellation);

        Assert.Equal("access-1", (await joining!)?.AccessToken?.Reveal());
        Assert.Equal((1, 1), (kept.Grant.Requests, kept.TokenManager.SharedRenewals));
    }

    [Fact]
    public async Task A_store_that_was_set_back_is_written_again_under_its_lock()
    {
        var calls = new List<string>();
        using var kept = await new Kept(new WatchedStore(new MemoryStore(Kept.Some(new ManualTime())))).Loaded();
        await kept.WhenDue();
        var stamp = ((ReadResult.Held)await kept.Store.ReadAsync(Cancellation)).Stamp;
        await kept.Store.WriteAsync(Kept.Some(new ManualTime()), stamp, Cancellation);
        var watched = (WatchedStore)kept.Store;
        (watched.BeforeLock, watched.BeforeWrite, watched.BeforeRelease) = (() => calls.Add("lock"), () => calls.Add("write"), () => calls.Add("release"));

        await kept.Visit();

        Assert.Equal(["lock", "write", "release"], calls);
        Assert.Equal("refresh-1", await kept.StoredRefresh());
    }

    [Fact]
    public async Task A_login_is_put_together_with_what_a_sibling_left_a_moment_ago()
    {
        using var kept = await new Kept().Loaded();
        var stamp = ((ReadResult.Held)await kept.Store.ReadAsync(Cancellation)).Stamp;
        await kept.Store.WriteAsync(Kept.Some(kept.Time, number: "theirs"), stamp, Cancellation);

        await kept.TokenManager.AdoptAsync(held => held! with { AccessToken = new Secret("pasted") }, Cancellation);

        Assert.Equal(("pasted", "refresh-theirs"), (kept.Access, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task Row_14_and_38_the_end_waits_for_a_renewal_that_was_sent_and_its_token_is_saved()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.Hold();
        var arrived = kept.Grant.Arrived;
        kept.Time.Advance(3 * Kept.Hour);
        var visit = kept.Visit();
        await arrived;

        var closing = kept.TokenManager.CloseAsync(Cancellation);
        Assert.False(closing.IsCompleted);
        kept.Grant.Release();

        Assert.Null(await closing);
        await visit;
        Assert.Equal("refresh-1", await kept.StoredRefresh());
    }

    [Fact]
    public async Task Row_38_the_end_does_not_wait_for_a_renewal_that_was_not_sent()
    {
        using var kept = await new Kept().Loaded();
        for (var taken = 0; taken < 100; taken++)
        {
            _ = kept.Options.RenewalRateLimiter.WaitAsync(Cancellation);
        }
        kept.Time.Advance(3 * Kept.Hour);
        for (var taken = 0; taken < 100; taken++)
        {
            _ = kept.Options.RenewalRateLimiter.WaitAsync(Cancellation);
        }
        var visit = kept.Visit();

        Assert.Null(await kept.TokenManager.CloseAsync(Cancellation));

        await visit;
        Assert.Equal(0, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_31_a_refresh_token_that_has_ended_is_not_sent()
    {
        using var http = new StubHttp();
        var time = new ManualTime();
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://provider/token"), new OAuthClient("id", null), time);
        var token = Kept.Some(time) with { RefreshExpiresAt = time.GetUtcNow() + Kept.Hour };
        using var kept = await new Kept(new MemoryStore(token), time, grant: new RefreshTokenGrant(endpoint, time)).Loaded();

        await kept.WhenDue();

        Assert.Contains("the refresh token expired at", Assert.IsType<TokenState.Lost>(kept.State).Reason);
    }

    [Fact]
    public async Task Row_36_a_logout_during_a_renewal_stays_a_logout()
    {
        using var kept = await new Kept().Loaded();
        kept.Grant.NeedsNoToken = true;
        kept.Grant.Hold();
        var arrived = kept.Grant.Arrived;
        kept.Time.Advance(3 * Kept.Hour);
        var visit = kept.Visit();
        await arrived;

        var logout = kept.TokenManager.ForgetAsync(Cancellation);
        kept.Grant.Release();
        Assert.Null(await logout);
        await visit;
        kept.Time.Advance(kept.Options.ReadEvery);
        await kept.Visit();

        Assert.IsType<TokenState.Missing>(kept.State);
        Assert.IsType<ReadResult.LoggedOut>(await kept.Store.ReadAsync(Cancellation));
        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_36_a_token_that_comes_after_another_process_logged_out_is_dropped()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();
        kept.Grant.Then(_ =>
        {
            Kept.Plain(path, time).LogOutAsync(Cancellation).AsTask().Wait(Cancellation);
            return new Renewal.Renewed(Kept.Some(time, number: "late"));
        });

        await kept.WhenDue();

        Assert.IsType<TokenState.Missing>(kept.State);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task A_daemon_notices_a_logout_by_another_process_and_a_login_after_it()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", Kept.Json(Kept.Some(time)));
        using var daemon = await new Kept(Kept.Plain(path, time), time).Loaded();
        using var command = await new Kept(Kept.Plain(path, time), time).Loaded();

        Assert.Null(await command.TokenManager.ForgetAsync(Cancellation));
        time.Advance(daemon.Options.ReadEvery);
        await daemon.Visit();
        Assert.IsType<TokenState.Missing>(daemon.State);

        await command.TokenManager.AdoptAsync(Kept.Some(time, number: "again"), Cancellation);
        time.Advance(daemon.Options.ReadEvery);
        await daemon.Visit();
        Assert.Equal("access-again", daemon.Access);
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_token_with_neither_expiry_nor_refresh_token_is_used_until_the_cloud_refuses_it()
    {
        var time = new ManualTime();
        using var kept = new Kept(new MemoryStore(new Token { AccessToken = new Secret("access-0") }), time);
        await kept.Loaded();
        kept.Grant.Then(new Renewal.InvalidGrant("there is no refresh token"));
        time.Advance(TimeSpan.FromDays(400));
        await kept.Visit();
        Assert.NotNull(await kept.TokenManager.GetTokenAsync(Cancellation));

        await kept.TokenManager.RenewAsync(new Secret("access-0"), Cancellation);

        Assert.IsType<TokenState.Lost>(kept.State);
        Assert.Null(await kept.TokenManager.GetTokenAsync(Cancellation));
    }

    [Fact]
    public async Task A_login_is_saved_before_it_is_shown_and_keeps_what_the_token_held_besides()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", """{"vin":"WBA1","refresh_token":"old"}""");
        using var kept = await new Kept(Kept.Plain(path, time), time).Loaded();

        await kept.TokenManager.AdoptAsync(Kept.Some(time), Cancellation);

        Assert.StartsWith("""{"vin":"WBA1","refresh_token":"refresh-0","access_token":"access-0",""", File.ReadAllText(path));
        Assert.Equal("access-0", kept.Access);
    }

    [Fact]
    public async Task A_login_given_up_by_its_caller_is_saved_all_the_same()
    {
        using var kept = await new Kept().Loaded();
        using var gone = new CancellationTokenSource();
        kept.Grant.Hold();
        kept.Time.Advance(3 * Kept.Hour);
        var arrived = kept.Grant.Arrived;
        var visit = kept.Visit();
        await arrived;
        var login = kept.TokenManager.AdoptAsync(Kept.Some(kept.Time, number: "person"), gone.Token);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => login);
        kept.Grant.Release();
        await visit;
        await kept.TokenManager.CloseAsync(Cancellation);

        Assert.Equal(("access-person", "refresh-person"), (kept.Access, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task A_login_whose_lifetime_nobody_told_is_not_renewed_at_once()
    {
        using var kept = new Kept(new MemoryStore());
        await kept.Loaded();

        await kept.TokenManager.AdoptAsync(new Token { AccessToken = new Secret("a"), RefreshToken = new Secret("r") }, Cancellation);
        await kept.Visit();

        Assert.Equal(0, kept.Grant.Requests);
        Assert.Equal(kept.Time.GetUtcNow() + kept.Options.AssumedLifetime, kept.State.Token!.ExpiresAt);
    }

    [Fact]
    public async Task A_password_needs_no_token_to_begin_with()
    {
        using var kept = new Kept(new MemoryStore());
        kept.Grant.NeedsNoToken = true;

        await kept.Loaded();
        await kept.Visit();

        Assert.Equal(("access-1", "refresh-1"), (kept.Access, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task Who_comes_before_the_first_login_is_planned_waits_for_it()
    {
        Task<Token?>? second = null;
        using var kept = new Kept(new MemoryStore());
        var grant = new WatchedGrant(kept.Grant);
        using var manager = new TokenManager("home", grant, kept.Store, kept.Options, kept.Time, kept.Logs);
        kept.Grant.NeedsNoToken = true;
        grant.BeforeAnswer = () => second ??= manager.GetTokenAsync(Cancellation).AsTask();

        var first = await manager.GetTokenAsync(Cancellation);

        Assert.Equal(("access-1", "access-1"), (first?.AccessToken?.Reveal(), (await second!)?.AccessToken?.Reveal()));
    }

    /// <summary>A grant that lets somebody in at the moment it is asked whether it can renew.</summary>
    private sealed class WatchedGrant(IGrant inner) : IGrant
    {
        public Action BeforeAnswer { get; set; } = () => { };

        public bool CanRenew(Token? current)
        {
            BeforeAnswer();
            return inner.CanRenew(current);
        }

        public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) => inner.RenewAsync(current, cancellationToken);
    }
}
