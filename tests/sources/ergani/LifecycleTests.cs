using System.Net;
using System.Text.Json.Nodes;
using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The tests that the OxygenSuite token manager has, each with ours of the same story, and what it leaves out.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public async Task First_use_logs_in_with_user_password_and_type()
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.OK, Login.Answer());

        var token = await login.UseAsync();

        Assert.Equal("new-access", token!.AccessToken!.Reveal());
        Assert.Equal(ManualTime.Start + TimeSpan.FromHours(3), token.ExpiresAt);
        Assert.Equal(DateTimeOffset.Parse("2026-11-28T12:44:28.2731304Z", null), token.RefreshExpiresAt);
        var (request, body) = login.Http.Calls.Single();
        Assert.Equal("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/Authentication", request.RequestUri!.AbsoluteUri);
        Assert.Equal("""{"Username":"username","Password":"password-of-mine","Usertype":"01"}""", body.Trim());
        Assert.Equal("application/json", request.Content!.Headers.ContentType!.ToString());
        Assert.Null(request.Headers.Authorization);
    }

    [Fact]
    public async Task First_use_with_wrong_credentials_says_so_and_does_not_try_again()
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.Unauthorized, """{"message":"not username with password-of-mine"}""");

        Assert.Null(await login.UseAsync());
        Assert.Null(await login.UseAsync());

        var refused = Assert.IsType<TokenState.InvalidClient>(login.TokenManager.Snapshot.State);
        Assert.StartsWith("Ergani refused the log-in as user type 01 (HTTP 401, not <secret> with <secret>): correct", refused.Reason);
        var client = new HttpClient(new TokenHandler(login.TokenManager) { InnerHandler = new StubHttp() });
        var unavailable = await Assert.ThrowsAsync<TokenUnavailableException>(() => client.GetAsync("http://127.0.0.1/", Login.Cancellation));
        Assert.Contains("refused the log-in", unavailable.Message);
    }

    [Fact]
    public async Task A_good_access_token_needs_no_call()
    {
        using var login = new Login(Login.Held("tomorrow"));

        Assert.Equal("old-access", (await login.UseAsync())!.AccessToken!.Reveal());
    }

    [Fact]
    public async Task An_ended_access_token_is_refreshed_with_both_old_tokens_and_no_bearer()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal("new-access", (await login.UseAsync())!.AccessToken!.Reveal());

        var (request, body) = login.Http.Calls.Single();
        Assert.Equal("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/Authentication/Refresh", request.RequestUri!.AbsoluteUri);
        Assert.Equal("""{"AccessToken":"old-access","RefreshToken":"old-refresh"}""", body.Trim());
        Assert.Null(request.Headers.Authorization);
        Assert.Equal("new-refresh", Assert.IsType<ReadResult.Held>(await login.Store.ReadAsync(Login.Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task A_refresh_that_is_answered_with_401_is_followed_by_one_login()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect(HttpStatusCode.Unauthorized);
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal("new-refresh", (await login.UseAsync())!.RefreshToken!.Reveal());

        Assert.Equal(["Refresh", "Authentication"], login.Called);
    }

    [Fact]
    public async Task When_both_tokens_have_ended_there_is_a_login_only()
    {
        using var login = new Login(Login.Held("yesterday", "yesterday"));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());

        Assert.Equal(["Authentication"], login.Called);
    }

    [Fact]
    public async Task A_login_that_fails_hands_nothing_out_and_loses_nothing()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect(HttpStatusCode.Unauthorized);
        login.Expect(HttpStatusCode.Unauthorized);

        Assert.Null(await login.UseAsync());

        // The other one deletes the file here. What is in it is of no use, and of no harm either.
        Assert.Equal("old-refresh", Assert.IsType<ReadResult.Held>(await login.Store.ReadAsync(Login.Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Any_other_failure_of_a_refresh_is_no_reason_to_log_in(int status)
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect((HttpStatusCode)status);

        Assert.Null(await login.UseAsync());

        Assert.Equal("old-refresh", login.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task Without_an_answer_there_is_no_login_either()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Http.ExpectFailure(new HttpRequestException("connection refused"));

        Assert.Null(await login.UseAsync());

        Assert.Equal(1, Assert.IsType<TokenState.Active>(login.TokenManager.Snapshot.State).FailedRenewals);
    }

    [Theory]
    [InlineData("\"10800\"")]
    [InlineData("10800")]
    [InlineData("10800.0")]
    public async Task A_lifetime_is_read_as_text_and_as_number(string seconds)
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.OK, $$"""{"accessToken":"a","accessTokenExpired":{{seconds}},"refreshToken":"r","refreshTokenExpired":"nonsense"}""");

        var token = await login.UseAsync();

        // An end of the refresh token that is nonsense is unknown, and costs nothing else.
        Assert.Equal((ManualTime.Start + TimeSpan.FromHours(3), null), (token!.ExpiresAt, token.RefreshExpiresAt));
    }

    [Fact]
    public async Task A_week_needs_one_login()
    {
        using var login = new Login();
        var isOver = false;
        ExpectNext();
        await login.UseAsync();

        for (var minute = 0; minute < 7 * 24 * 60; minute++)
        {
            login.Time.Advance(TimeSpan.FromMinutes(1));
            await login.TokenManager.VisitAsync(Login.Cancellation);
            Assert.True(login.TokenManager.Snapshot.State.Token!.IsUsable(login.Time.GetUtcNow()));
        }

        Assert.Equal(1, login.Called.Count(c => c == "Authentication"));
        // A tenth of three hours, and some jitter, before the end of each.
        Assert.InRange(login.Called.Count(c => c == "Refresh"), 56, 66);
        isOver = true;
        await login.TokenManager.RenewAsync(null, Login.Cancellation);

        void ExpectNext() => login.Http.Expect((_, _, _) =>
        {
            if (!isOver)
            {
                ExpectNext();
            }
            var refreshEnds = login.Time.GetUtcNow() + TimeSpan.FromDays(7);
            return Task.FromResult(StubHttp.Answer(HttpStatusCode.OK, Login.Answer($"{login.Http.Calls.Count}", refreshEnds: $"{refreshEnds:O}")));
        });
    }

    [Fact]
    public async Task Fifty_callers_at_the_end_of_a_token_share_one_refresh()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        var answer = new TaskCompletionSource<HttpResponseMessage>();
        login.Http.Expect((_, _, _) => answer.Task);

        var callers = Enumerable.Range(0, 50).Select(_ => Task.Run(login.UseAsync)).ToArray();
        answer.SetResult(StubHttp.Answer(HttpStatusCode.OK, Login.Answer()));
        var tokens = await Task.WhenAll(callers);

        Assert.All(tokens, token => Assert.Equal("new-access", token!.AccessToken!.Reveal()));
        Assert.Equal(["Refresh"], login.Called);
    }

    [Fact]
    public async Task Parallel_first_users_share_one_login()
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.OK, Login.Answer());

        var tokens = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(login.UseAsync)));

        Assert.All(tokens, Assert.NotNull);
    }

    [Fact]
    public async Task Too_many_requests_waits_as_long_as_was_asked()
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "1800"));
        Assert.Null(await login.UseAsync());

        login.Time.Advance(TimeSpan.FromSeconds(1799));
        Assert.Null(await login.UseAsync());

        login.Expect(HttpStatusCode.OK, Login.Answer());
        login.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(await login.UseAsync());
    }

    [Fact]
    public async Task A_token_given_from_outside_is_used_without_keeper_or_login()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, "[]").Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"));
        var api = new BoundErgani(http, new ManualTime(), new ApiAccount(new Secret("direct"), ErganiEnvironment.Production.Address));

        Assert.IsType<PollResult<IReadOnlyList<ErganiEntry>>.Success>(await api.GetSubmissionsAsync(Login.Cancellation));
        Assert.IsType<PollResult<IReadOnlyList<ErganiEntry>>.Failed>(await api.GetSubmissionsAsync(Login.Cancellation));

        var (request, _) = http.Calls[0];
        Assert.Equal("https://eservices.yeka.gr/WebservicesAPI/api/Lookup/Submissions", request.RequestUri!.AbsoluteUri);
        Assert.Equal("Bearer direct", request.Headers.Authorization!.ToString());
    }

    [Fact]
    public async Task A_token_that_is_set_is_kept_and_refreshed_like_one_that_was_given()
    {
        using var login = new Login();
        await login.TokenManager.AdoptAsync(Login.Held("tomorrow", "tomorrow"), Login.Cancellation);
        Assert.Equal("old-access", (await login.UseAsync())!.AccessToken!.Reveal());

        login.Expect(HttpStatusCode.OK, Login.Answer());
        login.Time.Advance(TimeSpan.FromHours(24));
        await login.TokenManager.VisitAsync(Login.Cancellation);

        Assert.Equal(["Authentication"], login.Called);
    }

    [Fact]
    public async Task The_user_type_and_the_environment_go_with_the_login()
    {
        var credentials = Login.Credentials with { UserType = ErganiCredentials.Ergani, Environment = ErganiEnvironment.Production };
        using var login = new Login(credentials: credentials);
        login.Expect(HttpStatusCode.OK, Login.Answer());

        await login.UseAsync();

        var (request, body) = login.Http.Calls.Single();
        Assert.StartsWith("https://eservices.yeka.gr/", request.RequestUri!.AbsoluteUri);
        Assert.Equal("02", JsonNode.Parse(body)!["Usertype"]!.GetValue<string>());
    }

    [Fact]
    public async Task After_a_logout_nothing_logs_in_until_somebody_asks_for_it()
    {
        using var login = new Login(Login.Held("tomorrow", "tomorrow"));
        await login.UseAsync();
        await login.TokenManager.ForgetAsync(Login.Cancellation);

        login.Time.Advance(TimeSpan.FromDays(1));
        await login.TokenManager.VisitAsync(Login.Cancellation);
        Assert.Null(await login.UseAsync());
        Assert.Equal(new TokenState.Missing(), login.TokenManager.Snapshot.State);

        login.Expect(HttpStatusCode.OK, Login.Answer());
        await login.TokenManager.RenewAsync(null, Login.Cancellation);
        Assert.Equal("new-access", (await login.UseAsync())!.AccessToken!.Reveal());
    }

    [Fact]
    public async Task A_logout_holds_for_other_programs_and_not_for_a_daemon_that_is_started_again()
    {
        var store = new MemoryStore();
        await store.LogOutAsync(Login.Cancellation);
        using var command = new Login(store: store);
        Assert.Null(await command.UseAsync());

        using var daemon = new Login(store: store);
        daemon.Expect(HttpStatusCode.OK, Login.Answer());
        await daemon.TokenManager.LoadAsync(ignoresLogout: true, Login.Cancellation);
        Assert.NotNull(await daemon.UseAsync());
    }

    [Fact]
    public async Task A_logout_by_another_process_before_the_first_login_came_off_holds()
    {
        var store = new MemoryStore();
        using var login = new Login(store: store);
        login.Expect(HttpStatusCode.ServiceUnavailable);
        Assert.Null(await login.UseAsync());

        await store.LogOutAsync(Login.Cancellation);
        login.Time.Advance(TimeSpan.FromHours(1));
        await login.TokenManager.VisitAsync(Login.Cancellation);

        Assert.Null(await login.UseAsync());
        Assert.Null(login.TokenManager.NextRenewal);
    }

    [Fact]
    public async Task A_keeper_is_disposed_of_twice_without_harm_and_saves_before()
    {
        using var http = new StubHttp();
        var manager = new TokenManager("ergani", new ErganiGrant(Login.Credentials, http.Client, new ManualTime()), new MemoryStore(), new TokenManagerOptions(), new ManualTime(), NullLogger.Instance);

        await manager.DisposeAsync();
        await manager.DisposeAsync();

        manager.Dispose();
    }
}
