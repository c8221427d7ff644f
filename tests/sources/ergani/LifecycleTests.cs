using System.Net;
using System.Text.Json.Nodes;
using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The tests of the OxygenSuite token manager, and cases that it leaves out.</summary>
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
    public async Task First_use_with_wrong_credentials_is_rejected_and_not_repeated()
    {
        using var login = new Login();
        login.Expect(HttpStatusCode.Unauthorized, """{"message":"not username with password-of-mine"}""");

        Assert.Null(await login.UseAsync());
        Assert.Null(await login.UseAsync());

        var refused = Assert.IsType<TokenState.InvalidClient>(login.TokenManager.Snapshot.State);
        Assert.StartsWith("Ergani rejected the login as user type 01 (HTTP 401, not <secret> with <secret>); change", refused.Reason);
        var client = new HttpClient(new TokenHandler(login.TokenManager) { InnerHandler = new StubHttp() });
        var unavailable = await Assert.ThrowsAsync<TokenUnavailableException>(() => client.GetAsync("http://127.0.0.1/", Login.Cancellation));
        Assert.Contains("rejected the login", unavailable.Message);
    }

    [Fact]
    public async Task A_valid_access_token_needs_no_call()
    {
        using var login = new Login(Login.Held("tomorrow"));

        Assert.Equal("old-access", (await login.UseAsync())!.AccessToken!.Reveal());
    }

    [Fact]
    public async Task An_expired_access_token_is_refreshed_with_both_old_tokens_and_no_bearer()
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
    public async Task A_refresh_that_returns_401_is_followed_by_one_login()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect(HttpStatusCode.Unauthorized);
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal("new-refresh", (await login.UseAsync())!.RefreshToken!.Reveal());

        Assert.Equal(["Refresh", "Authentication"], login.Called);
    }

    [Fact]
    public async Task When_both_tokens_have_expired_there_is_only_a_login()
    {
        using var login = new Login(Login.Held("yesterday", "yesterday"));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());

        Assert.Equal(["Authentication"], login.Called);
    }

    [Fact]
    public async Task A_failed_login_returns_nothing_and_loses_nothing()
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect(HttpStatusCode.Unauthorized);
        login.Expect(HttpStatusCode.Unauthorized);

        Assert.Null(await login.UseAsync());

        // The OxygenSuite token manager deletes the file here.
        Assert.Equal("old-refresh", Assert.IsType<ReadResult.Held>(await login.Store.ReadAsync(Login.Cancellation)).Token.RefreshToken!.Reveal());
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Any_other_failure_of_a_refresh_causes_no_login(int status)
    {
        using var login = new Login(Login.Held("yesterday", "tomorrow"));
        login.Expect((HttpStatusCode)status);

        Assert.Null(await login.UseAsync());

        Assert.Equal("old-refresh", login.TokenManager.Snapshot.State.Token!.RefreshToken!.Reveal());
    }

    [Fact]
    public async Task A_network_failure_causes_no_login()
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
    public async Task A_lifetime_can_be_text_or_a_number(string seconds)
    {
        using var login = new Login();
        login.Expect(
            HttpStatusCode.OK, $$"""{"accessToken":"a","accessTokenExpired":{{seconds}},"refreshToken":"r","refreshTokenExpired":"nonsense"}""");

        var token = await login.UseAsync();

        // An invalid expiry of the refresh token is unknown, and affects nothing else.
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
        // A tenth of three hours, plus jitter, before each expiry.
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
    public async Task Fifty_callers_with_an_expired_token_share_one_refresh()
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
    public async Task Retry_After_of_a_429_is_obeyed()
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
    public async Task A_direct_token_is_used_without_token_manager_or_login()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, "[]").Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"));
        var api = new ErganiApiClient(http, new ManualTime(), new ApiAccount(new Secret("direct"), ErganiEnvironment.Production.Address));

        Results.Value(await api.GetSubmissionsAsync(Login.Cancellation));
        Results.Failure(await api.GetSubmissionsAsync(Login.Cancellation));

        var (request, _) = http.Calls[0];
        Assert.Equal("https://eservices.yeka.gr/WebservicesAPI/api/Lookup/Submissions", request.RequestUri!.AbsoluteUri);
        Assert.Equal("Bearer direct", request.Headers.Authorization!.ToString());
    }

    [Fact]
    public async Task An_adopted_token_is_stored_and_renewed()
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
    public async Task A_login_uses_the_user_type_and_the_environment()
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
    public async Task After_a_logout_there_is_no_login_without_a_request()
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
    public async Task A_logout_applies_to_other_programs_but_not_to_a_restarted_daemon()
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
    public async Task A_logout_by_another_process_before_the_first_login_applies()
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
    public async Task A_token_manager_can_be_disposed_of_twice()
    {
        using var http = new StubHttp();
        var manager = new TokenManager(
            "ergani", new ErganiGrant(Login.Credentials, http.Client, new ManualTime()), new MemoryStore(), new TokenManagerOptions(),
            new ManualTime(), NullLogger<TokenManager>.Instance);

        await manager.DisposeAsync();
        await manager.DisposeAsync();

        manager.Dispose();
    }
}
