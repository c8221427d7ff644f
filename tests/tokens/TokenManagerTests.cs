using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>How a token manager handles callers, outcomes and users.</summary>
public class TokenManagerTests
{
    private static readonly Renewal NoNetwork = new Renewal.Transient(FailureKind.Network, "no route");
    private static readonly Renewal Dead = new Renewal.InvalidGrant("the refresh token is no longer accepted (HTTP 400, invalid_grant)");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Row_01_callers_at_expiry_share_one_renewal_and_a_cancelled_caller_does_not_cancel_it()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Time.Advance(4 * TokenManagerBench.Hour);
        bench.Grant.Hold();
        using var givingUp = new CancellationTokenSource();
        var arrived = bench.Grant.Arrived;

        var patient = Enumerable.Range(0, 200).Select(_ => bench.TokenManager.GetTokenAsync(Cancellation).AsTask()).ToList();
        var impatient = bench.TokenManager.GetTokenAsync(givingUp.Token).AsTask();
        await arrived;
        await givingUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        bench.Grant.Release();

        Assert.All(await Task.WhenAll(patient), token => Assert.Equal("access-1", token?.AccessToken?.Reveal()));
        Assert.Equal((1, 200), (bench.Grant.Requests, bench.TokenManager.SharedRenewals));
    }

    [Fact]
    public async Task A_renewal_goes_before_the_pastes_and_logins_that_wait()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(Enumerable.Repeat(NoNetwork, 51)).Hold();
        var arrived = bench.Grant.Arrived;
        var pastes = Enumerable.Range(0, 50).Select(_ => bench.TokenManager.TryAsync(new Secret("pasted"), Cancellation)).ToList();
        var login = bench.TokenManager.AdoptAsync(new Token { AccessToken = new Secret("login") }, Cancellation);
        await arrived;

        var renewed = bench.TokenManager.RenewAsync(null, Cancellation);
        bench.Grant.Release();
        await renewed;

        Assert.Equal(["pasted", "refresh-0"], bench.Grant.ReceivedTokens.Take(2).Select(token => token!.RefreshToken!.Reveal()));
        await Task.WhenAll([login, .. pastes]);
        Assert.Equal(51, bench.Grant.Requests);
    }

    [Fact]
    public async Task A_pasted_token_that_is_not_accepted_replaces_nothing()
    {
        using var bench = await new TokenManagerBench().Loaded();

        var outcome = await bench.TokenManager.TryAsync(new Secret("pasted"), _ => Task.FromResult(false), Cancellation);

        Assert.Equal("access-1", Assert.IsType<Renewal.Renewed>(outcome).Token.AccessToken?.Reveal());
        Assert.Equal(("access-0", "refresh-0"), (bench.Access, await bench.StoredRefresh()));
    }

    /// <summary>Uses real threads: a caller that arrives while a token is loaded gets it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row_01_every_caller_gets_the_renewed_token(bool isFirst)
    {
        for (var round = 0; round < 2000; round++)
        {
            using var bench = new TokenManagerBench(isFirst ? new MemoryStore() : null);
            bench.Grant.NeedsNoToken = true;
            if (!isFirst)
            {
                await bench.Loaded();
                bench.Time.Advance(4 * TokenManagerBench.Hour);
            }
            var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(() => bench.TokenManager.GetTokenAsync(Cancellation).AsTask(), Cancellation));

            Assert.All(await Task.WhenAll(callers), token => Assert.Equal("access-1", token?.AccessToken?.Reveal()));
            Assert.Equal(1, bench.Grant.Requests);
        }
    }

    [Fact]
    public async Task Row_01_concurrent_callers_share_a_failure_and_later_callers_try_again()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Time.Advance(4 * TokenManagerBench.Hour);
        bench.Grant.Then(_ => throw new InvalidOperationException("broken grant"));

        Assert.Null(await bench.TokenManager.GetTokenAsync(Cancellation));
        await bench.WhenDue();

        Assert.Equal("access-1", (await bench.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        Assert.Contains("unexpected failure (InvalidOperationException at Exporter.Tests", bench.Logs.At(LogLevel.Warning).Single());
    }

    [Fact]
    public async Task Row_02_a_late_caller_with_the_previous_token_does_not_renew_again()
    {
        using var bench = await new TokenManagerBench().Loaded();
        var before = new Secret(bench.Access!);
        await bench.WhenDue();

        await bench.TokenManager.RenewAsync(before, Cancellation);
        await bench.Visit();

        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_02_the_store_is_read_again_under_the_lock()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        time.Advance(bench.TokenManager.NextRenewal!.Value - time.GetUtcNow());
        directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time, number: "theirs")));

        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal((0, "access-theirs"), (bench.Grant.Requests, bench.Access));
        Assert.Equal(1, bench.Snapshot.History.Adoptions);
    }

    [Fact]
    public async Task Row_06_invalid_grant_reads_the_store_once_more_before_the_token_is_lost()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        bench.Grant.Then(_ =>
        {
            directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time, number: "theirs")));
            return Dead;
        });

        await bench.WhenDue();

        Assert.IsType<TokenState.Active>(bench.State);
        Assert.Equal((1, "access-theirs"), (bench.Grant.Requests, bench.Access));
    }

    [Fact]
    public async Task Row_06_a_rejected_refresh_token_makes_the_login_lost_and_the_access_token_is_used_until_it_expires()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(Dead);

        await bench.WhenDue();
        Assert.Equal("access-0", (await bench.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
        for (var minute = 0; minute < 600; minute++)
        {
            bench.Time.Advance(TimeSpan.FromMinutes(1));
            await bench.Visit();
            await bench.TokenManager.GetTokenAsync(Cancellation);
        }

        Assert.IsType<TokenState.Lost>(bench.State);
        Assert.Null(await bench.TokenManager.GetTokenAsync(Cancellation));
        Assert.Equal((1, "refresh-0"), (bench.Grant.Requests, await bench.StoredRefresh()));
        Assert.Single(bench.Logs.At(LogLevel.Error));
    }

    [Fact]
    public async Task Row_06_a_lost_account_is_active_again_when_the_store_contains_another_token()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(Dead);
        await bench.WhenDue();
        var stamp = ((ReadResult.Held)await bench.Store.ReadAsync(Cancellation)).Stamp;

        await bench.Store.WriteAsync(TokenManagerBench.Some(bench.Time, number: "theirs"), stamp, Cancellation);
        await bench.Visit();

        Assert.IsType<TokenState.Active>(bench.State);
        Assert.Equal("access-theirs", bench.Access);
    }

    [Fact]
    public async Task Row_07_a_rejected_client_is_tried_again_slowly_and_keeps_its_token()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(Enumerable.Repeat<Renewal>(new Renewal.InvalidClient("the client id or the client secret is not accepted"), 3));

        await bench.WhenDue();
        var first = Assert.IsType<TokenState.InvalidClient>(bench.State).RetryAt - bench.Time.GetUtcNow();
        await bench.TokenManager.RenewAsync(new Secret("access-0"), Cancellation);
        await bench.WhenDue();
        await bench.WhenDue();
        Assert.Equal(3, bench.Grant.Requests);
        await bench.WhenDue();

        Assert.True(first >= TokenManagerBench.Hour);
        Assert.Equal(("access-1", typeof(TokenState.Active)), (bench.Access, bench.State.GetType()));
        Assert.Equal("refresh-0", bench.Grant.ReceivedTokens[^1]?.RefreshToken?.Reveal());
    }

    [Fact]
    public async Task Row_08_a_transient_failure_is_tried_again_with_growing_waits_and_the_token_stays_in_use()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(Enumerable.Repeat(NoNetwork, 8));

        for (var failure = 1; failure <= 8; failure++)
        {
            await bench.WhenDue();
            var active = Assert.IsType<TokenState.Active>(bench.State);
            Assert.Equal(failure, active.FailedRenewals);
            Assert.InRange(active.RenewAt - bench.Time.GetUtcNow(), TimeSpan.FromSeconds(1), bench.Options.Retry.Longest);
        }
        Assert.NotNull(await bench.TokenManager.GetTokenAsync(Cancellation));
        await bench.WhenDue();

        Assert.Equal(0, Assert.IsType<TokenState.Active>(bench.State).FailedRenewals);
        Assert.Equal(8, bench.Snapshot.History.Failures[FailureKind.Network]);
        Assert.Null(bench.Snapshot.History.LastError);
    }

    [Fact]
    public async Task Row_08_an_expired_token_is_tried_again_on_schedule_and_not_for_every_caller()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Time.Advance(4 * TokenManagerBench.Hour);
        bench.Grant.Then(NoNetwork);

        for (var scrape = 0; scrape < 50; scrape++)
        {
            Assert.Null(await bench.TokenManager.GetTokenAsync(Cancellation));
        }

        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_13_after_a_lost_response_the_same_refresh_token_is_sent_again_soon()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Then(new Renewal.Transient(FailureKind.Timeout, "no answer"));

        await bench.WhenDue();
        Assert.InRange(bench.TokenManager.NextRenewal!.Value - bench.Time.GetUtcNow(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4));
        await bench.WhenDue();

        Assert.Equal(["refresh-0", "refresh-0"], bench.Grant.ReceivedTokens.Select(t => t?.RefreshToken?.Reveal()));
        Assert.Equal("access-1", bench.Access);
    }

    [Fact]
    public async Task Row_13_a_restart_reports_that_a_renewal_was_interrupted()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        directory.Write("token.json.lock", "4711 2026-11-21T11:59:58.0000000+00:00\n");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        bench.Grant.Then(Dead);

        await bench.WhenDue();

        Assert.Contains("a renewal sent at 2026-11-21 11:59:58Z was interrupted", Assert.IsType<TokenState.Lost>(bench.State).Reason);
    }

    [Fact]
    public async Task Row_14_the_new_token_is_in_the_store_before_anyone_sees_it()
    {
        using var bench = new TokenManagerBench(new WatchedStore(new MemoryStore(TokenManagerBench.Some(new ManualTime()))));
        await bench.Loaded();
        string? seen = null;
        ((WatchedStore)bench.Store).BeforeWrite = () => seen = bench.Access;

        await bench.WhenDue();

        Assert.Equal(("access-0", "access-1"), (seen, bench.Access));
    }

    [Fact]
    public async Task A_pasted_refresh_token_is_tried_under_the_lock_of_the_store()
    {
        var calls = new List<string>();
        using var bench = new TokenManagerBench(new WatchedStore(new MemoryStore())
        {
            BeforeLock = () => calls.Add("lock"),
            BeforeWrite = () => calls.Add("write"),
            BeforeRelease = () => calls.Add("release"),
        });
        await bench.Loaded();
        bench.Grant.Then(brought =>
        {
            calls.Add("ask");
            return new Renewal.Renewed(brought!.After(TokenManagerBench.Some(bench.Time, number: "1")));
        });

        Assert.IsType<Renewal.Renewed>(await bench.TokenManager.TryAsync(new Secret("brought"), Cancellation));

        Assert.Equal(["lock", "ask", "write", "release"], calls);
    }

    [Fact]
    public async Task A_renewal_for_an_old_rejected_token_performs_the_renewal_that_is_due()
    {
        using var bench = await new TokenManagerBench(new WatchedStore(new MemoryStore(TokenManagerBench.Some(new ManualTime())))).Loaded();
        bench.Time.Advance(4 * TokenManagerBench.Hour);
        Task<Token?>? joining = null;
        ((WatchedStore)bench.Store).BeforeLock = () => joining ??= bench.TokenManager.GetTokenAsync(Cancellation).AsTask();

        await bench.TokenManager.RenewAsync(new Secret("long gone"), Cancellation);

        Assert.Equal("access-1", (await joining!)?.AccessToken?.Reveal());
        Assert.Equal((1, 1), (bench.Grant.Requests, bench.TokenManager.SharedRenewals));
    }

    [Fact]
    public async Task A_restored_store_is_written_again_under_its_lock()
    {
        var calls = new List<string>();
        using var bench = await new TokenManagerBench(new WatchedStore(new MemoryStore(TokenManagerBench.Some(new ManualTime())))).Loaded();
        await bench.WhenDue();
        var stamp = ((ReadResult.Held)await bench.Store.ReadAsync(Cancellation)).Stamp;
        await bench.Store.WriteAsync(TokenManagerBench.Some(new ManualTime()), stamp, Cancellation);
        var watched = (WatchedStore)bench.Store;
        (watched.BeforeLock, watched.BeforeWrite, watched.BeforeRelease) =
            (() => calls.Add("lock"), () => calls.Add("write"), () => calls.Add("release"));

        await bench.Visit();

        Assert.Equal(["lock", "write", "release"], calls);
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task A_login_is_merged_with_the_token_that_another_process_wrote()
    {
        using var bench = await new TokenManagerBench().Loaded();
        var stamp = ((ReadResult.Held)await bench.Store.ReadAsync(Cancellation)).Stamp;
        await bench.Store.WriteAsync(TokenManagerBench.Some(bench.Time, number: "theirs"), stamp, Cancellation);

        await bench.TokenManager.AdoptAsync(held => held! with { AccessToken = new Secret("pasted") }, Cancellation);

        Assert.Equal(("pasted", "refresh-theirs"), (bench.Access, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task Row_14_and_38_a_shutdown_waits_for_a_renewal_that_was_sent_and_saves_its_token()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;
        bench.Time.Advance(3 * TokenManagerBench.Hour);
        var visit = bench.Visit();
        await arrived;

        var closing = bench.TokenManager.CloseAsync(Cancellation);
        Assert.False(closing.IsCompleted);
        bench.Grant.Release();

        Assert.Null(await closing);
        await visit;
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task Row_38_a_shutdown_does_not_wait_for_a_renewal_that_was_not_sent()
    {
        using var bench = await new TokenManagerBench().Loaded();
        for (var taken = 0; taken < 100; taken++)
        {
            _ = bench.Options.RenewalRateLimiter.WaitAsync(Cancellation);
        }
        bench.Time.Advance(3 * TokenManagerBench.Hour);
        for (var taken = 0; taken < 100; taken++)
        {
            _ = bench.Options.RenewalRateLimiter.WaitAsync(Cancellation);
        }
        var visit = bench.Visit();

        Assert.Null(await bench.TokenManager.CloseAsync(Cancellation));

        await visit;
        Assert.Equal(0, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_31_an_expired_refresh_token_is_not_sent()
    {
        using var http = new StubHttp();
        var time = new ManualTime();
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://provider/token"), new OAuthClient("id", null), time);
        var token = TokenManagerBench.Some(time) with { RefreshExpiresAt = time.GetUtcNow() + TokenManagerBench.Hour };
        using var bench = await new TokenManagerBench(new MemoryStore(token), time, grant: new RefreshTokenGrant(endpoint, time)).Loaded();

        await bench.WhenDue();

        Assert.Contains("the refresh token expired at", Assert.IsType<TokenState.Lost>(bench.State).Reason);
    }

    [Fact]
    public async Task Row_36_a_logout_during_a_renewal_stays_a_logout()
    {
        using var bench = await new TokenManagerBench().Loaded();
        bench.Grant.NeedsNoToken = true;
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;
        bench.Time.Advance(3 * TokenManagerBench.Hour);
        var visit = bench.Visit();
        await arrived;

        var logout = bench.TokenManager.ForgetAsync(Cancellation);
        bench.Grant.Release();
        Assert.Null((await logout).Failure);
        await visit;
        bench.Time.Advance(bench.Options.ReadEvery);
        await bench.Visit();

        Assert.IsType<TokenState.Missing>(bench.State);
        Assert.IsType<ReadResult.LoggedOut>(await bench.Store.ReadAsync(Cancellation));
        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_36_a_token_that_arrives_after_a_logout_by_another_process_is_dropped()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        bench.Grant.Then(_ =>
        {
            TokenManagerBench.Plain(path, time).LogOutAsync(Cancellation).AsTask().Wait(Cancellation);
            return new Renewal.Renewed(TokenManagerBench.Some(time, number: "late"));
        });

        await bench.WhenDue();

        Assert.IsType<TokenState.Missing>(bench.State);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task A_logout_and_a_login_by_another_process_are_detected()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        using var daemon = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        using var command = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();

        Assert.Null((await command.TokenManager.ForgetAsync(Cancellation)).Failure);
        time.Advance(daemon.Options.ReadEvery);
        await daemon.Visit();
        Assert.IsType<TokenState.Missing>(daemon.State);

        await command.TokenManager.AdoptAsync(TokenManagerBench.Some(time, number: "again"), Cancellation);
        time.Advance(daemon.Options.ReadEvery);
        await daemon.Visit();
        Assert.Equal("access-again", daemon.Access);
        Assert.Equal(["token.json", "token.json.lock"], directory.Names);
    }

    [Fact]
    public async Task A_token_with_neither_expiry_nor_refresh_token_is_used_until_the_provider_rejects_it()
    {
        var time = new ManualTime();
        using var bench = new TokenManagerBench(new MemoryStore(new Token { AccessToken = new Secret("access-0") }), time);
        await bench.Loaded();
        bench.Grant.Then(new Renewal.InvalidGrant("there is no refresh token"));
        time.Advance(TimeSpan.FromDays(400));
        await bench.Visit();
        Assert.NotNull(await bench.TokenManager.GetTokenAsync(Cancellation));

        await bench.TokenManager.RenewAsync(new Secret("access-0"), Cancellation);

        Assert.IsType<TokenState.Lost>(bench.State);
        Assert.Null(await bench.TokenManager.GetTokenAsync(Cancellation));
    }

    [Fact]
    public async Task A_login_is_saved_before_it_is_published_and_keeps_the_other_members()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        var path = directory.Write("token.json", """{"vin":"WBA1","refresh_token":"old"}""");
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.StartsWith("""{"vin":"WBA1","refresh_token":"refresh-0","access_token":"access-0",""", File.ReadAllText(path));
        Assert.Equal("access-0", bench.Access);
    }

    [Fact]
    public async Task A_login_is_saved_even_if_its_caller_cancels()
    {
        using var bench = await new TokenManagerBench().Loaded();
        using var gone = new CancellationTokenSource();
        bench.Grant.Hold();
        bench.Time.Advance(3 * TokenManagerBench.Hour);
        var arrived = bench.Grant.Arrived;
        var visit = bench.Visit();
        await arrived;
        var login = bench.TokenManager.AdoptAsync(TokenManagerBench.Some(bench.Time, number: "person"), gone.Token);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => login);
        bench.Grant.Release();
        await visit;
        await bench.TokenManager.CloseAsync(Cancellation);

        Assert.Equal(("access-person", "refresh-person"), (bench.Access, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task A_login_without_a_lifetime_is_not_renewed_at_once()
    {
        using var bench = new TokenManagerBench(new MemoryStore());
        await bench.Loaded();

        await bench.TokenManager.AdoptAsync(new Token { AccessToken = new Secret("a"), RefreshToken = new Secret("r") }, Cancellation);
        await bench.Visit();

        Assert.Equal(0, bench.Grant.Requests);
        Assert.Equal(bench.Time.GetUtcNow() + bench.Options.AssumedLifetime, bench.State.Token!.ExpiresAt);
    }

    [Fact]
    public async Task A_password_grant_needs_no_token()
    {
        using var bench = new TokenManagerBench(new MemoryStore());
        bench.Grant.NeedsNoToken = true;

        await bench.Loaded();
        await bench.Visit();

        Assert.Equal(("access-1", "refresh-1"), (bench.Access, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task A_caller_before_the_first_login_waits_for_it()
    {
        Task<Token?>? second = null;
        using var bench = new TokenManagerBench(new MemoryStore());
        var grant = new WatchedGrant(bench.Grant);
        using var manager = new TokenManager("home", grant, bench.Store, bench.Options, bench.Time, bench.Logs);
        bench.Grant.NeedsNoToken = true;
        grant.BeforeAnswer = () => second ??= manager.GetTokenAsync(Cancellation).AsTask();

        var first = await manager.GetTokenAsync(Cancellation);

        Assert.Equal(("access-1", "access-1"), (first?.AccessToken?.Reveal(), (await second!)?.AccessToken?.Reveal()));
    }

    /// <summary>A grant that runs test code in <see cref="CanRenew"/>.</summary>
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
