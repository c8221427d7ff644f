using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Exporter.Webex;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Every level fails permanently in turn, and every level survives temporary failures.</summary>
public sealed class ChainTests
{
    [Fact]
    public async Task The_first_level_is_the_service_apps_refresh_token()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var issued = fixture.Provider.LoginServiceApp();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(issued).OpenAsync();

        Assert.NotEqual(issued.AccessToken, fixture.Access!.Reveal());
        Assert.Equal((1, 0), (fixture.Provider.ServiceAppToken.Requests, fixture.Provider.ApplicationToken.Requests));
        Assert.Equal(fixture.Access.Reveal(), fixture.Env("WEBEX_SERVICE_APP_ACCESS_TOKEN"));
        Assert.NotEqual(issued.RefreshToken, fixture.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.StartsWith("OTHER=1\n", await File.ReadAllTextAsync(fixture.EnvFile, WebexFixture.Cancellation), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture.EnvFile));
        Assert.Equal(3, fixture.LevelsLeft);
    }

    [Fact]
    public async Task After_a_rejected_refresh_token_the_personal_token_is_tried_at_once()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var integration = fixture.Provider.LoginIntegration();
        await fixture.Configure(integration.AccessToken, integration).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();
        fixture.Provider.ServiceApp.RevokeAll();

        var after = await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);

        Assert.IsType<TokenState.Active>(after.State);
        Assert.Equal(1, fixture.Provider.ApplicationToken.Requests);
        var warning = Assert.Single(fixture.Log.At(LogLevel.Warning), line => line.Contains("; trying", StringComparison.Ordinal));
        Assert.StartsWith(
            "account webex: the service app: the refresh token is no longer accepted (HTTP 401, The refresh token provided is expired, revoked, "
            + "malformed, or invalid., trackingId SANDBOX_", warning, StringComparison.Ordinal);
        Assert.Equal(3, fixture.LevelsLeft);
    }

    [Fact]
    public async Task A_rejected_personal_token_is_renewed_by_the_integration_and_the_request_is_repeated()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var (dead, integration) = (fixture.Provider.LoginPersonal(), fixture.Provider.LoginIntegration());
        await fixture.Configure(dead, integration).OpenAsync();
        Assert.Equal(3, fixture.LevelsLeft);
        fixture.Provider.ServiceApp.RevokeAll();
        fixture.Provider.Personal.RevokeAll();
        fixture.Provider.Integration.ExpireAccessTokens();
        fixture.Time.Advance(TimeSpan.FromMinutes(2));

        var after = await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);

        Assert.IsType<TokenState.Active>(after.State);
        // At the start, rejected, and with the renewed token.
        Assert.Equal(3, fixture.Provider.ApplicationToken.Requests);
        Assert.Equal(1, fixture.Provider.IntegrationToken.Requests);
        Assert.NotEqual(integration.RefreshToken, fixture.Manager.Inner("integration")!.Text("refreshToken"));
        Assert.Equal(fixture.Personal.Snapshot.State.Token!.AccessToken!.Reveal(), fixture.Manager.Text("personalAccessToken"));
    }

    [Fact]
    public async Task Without_an_integration_a_rejected_personal_token_needs_a_login()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(fixture.Provider.LoginPersonal()).OpenAsync();
        fixture.Provider.ServiceApp.RevokeAll();
        fixture.Provider.Personal.RevokeAll();
        fixture.Time.Advance(TimeSpan.FromMinutes(2));

        var after = await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);

        var lost = Assert.IsType<TokenState.Lost>(after.State);
        Assert.Contains("the service app: the refresh token is no longer accepted", lost.Reason, StringComparison.Ordinal);
        Assert.Contains("Webex rejects the personal access token", lost.Reason, StringComparison.Ordinal);
        Assert.Contains("oauth-exporter login --token", lost.Reason, StringComparison.Ordinal);
        Assert.Equal(0, fixture.LevelsLeft);
    }

    [Fact]
    public async Task Without_any_level_a_new_token_in_the_file_recovers_the_account()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();
        fixture.Provider.ServiceApp.RevokeAll();
        fixture.Provider.Integration.RevokeAll();
        fixture.Time.Advance(TimeSpan.FromMinutes(2));

        Assert.IsType<TokenState.Lost>((await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation)).State);
        Assert.Equal(0, fixture.LevelsLeft);
        Assert.Contains(
            "the integration: the refresh token is no longer accepted", Assert.IsType<TokenState.Lost>(fixture.Personal.Snapshot.State).Reason,
            StringComparison.Ordinal);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(WebexFixture.Cancellation);
        var running = fixture.Account.RunAsync(end.Token);
        fixture.Configure(fixture.Provider.LoginPersonal());
        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        var changed = fixture.ServiceApp.Changed;
        await fixture.Personal.VisitAsync(WebexFixture.Cancellation);
        while (fixture.ServiceApp.Snapshot.State is not TokenState.Active)
        {
            await changed.WaitAsync(WebexFixture.Cancellation);
            changed = fixture.ServiceApp.Changed;
        }

        Assert.Equal(2, fixture.LevelsLeft);
        await end.CancelAsync();
        await running;
    }

    public static TheoryData<string, Fault> TemporaryFailures => new()
    {
        { "503", new Fault.ServerError() },
        { "a gateway's page", new Fault.Html() },
        { "a closed connection", new Fault.Drop() },
        { "429", new Fault.TooManyRequests("120") },
        { "423", new Fault.Respond(423, """{"message":"locked","trackingId":"T1"}""", RetryAfter: "120") },
        { "invalid JSON", new Fault.Garbage() },
        { "401 without a message", new Fault.Respond(401, "{}") },
        { "400 with an unknown message", new Fault.Respond(400, """{"message":"Something went wrong."}""") },
    };

    [Theory]
    [MemberData(nameof(TemporaryFailures))]
    public async Task A_temporary_failure_uses_up_no_level(string what, Fault fault)
    {
        Assert.NotEmpty(what);
        await using var fixture = await WebexFixture.StartAsync();
        var issued = fixture.Provider.LoginServiceApp();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(issued).OpenAsync();
        var (refresh, integration) = (fixture.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"), fixture.Manager.Inner("integration")!.Text("refreshToken"));
        fixture.Provider.ServiceAppToken.Fail(fault);
        fixture.Provider.IntegrationToken.Fail(fault);
        fixture.Provider.ApplicationToken.Fail(fault);

        var after = await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);
        await fixture.Personal.RenewAsync(null, WebexFixture.Cancellation);

        Assert.Equal(1, Assert.IsType<TokenState.Active>(after.State).FailedRenewals);
        Assert.Equal(0, fixture.Provider.ApplicationToken.Requests);
        Assert.Equal(
            (refresh, integration), (fixture.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"), fixture.Manager.Inner("integration")!.Text("refreshToken")));
        Assert.Equal(3, fixture.LevelsLeft);

        fixture.Provider.ServiceAppToken.Clear();
        fixture.Provider.IntegrationToken.Clear();
        await fixture.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        Assert.Equal(0, Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State).FailedRenewals);
        Assert.Equal(0, Assert.IsType<TokenState.Active>(fixture.Personal.Snapshot.State).FailedRenewals);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(423)]
    public async Task Retry_After_is_obeyed(int status)
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(fixture.Provider.LoginPersonal()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();
        fixture.Provider.ServiceApp.RevokeAll();
        fixture.Provider.ApplicationToken.Fail(new Fault.Respond(status, """{"message":"too many","trackingId":"T7"}""", RetryAfter: "1800"));

        var after = await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);

        Assert.Equal(fixture.Time.GetUtcNow() + TimeSpan.FromMinutes(30), Assert.IsType<TokenState.Active>(after.State).RenewAt);
        Assert.Equal(1, after.History.Failures[FailureKind.RateLimited]);
        Assert.Equal($"Webex limits the rate of requests (HTTP {status}, too many, trackingId T7)", after.History.LastError);
        // The rejected refresh token is not sent again while the next level is rate limited.
        var requests = fixture.Provider.ServiceAppToken.Requests;
        fixture.Provider.ApplicationToken.Clear();
        await fixture.PassAsync(TimeSpan.FromMinutes(31), TimeSpan.FromMinutes(1));
        Assert.Equal(requests, fixture.Provider.ServiceAppToken.Requests);
        Assert.Equal(0, Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State).FailedRenewals);
    }

    public static TheoryData<int, string> Refusals => new()
    {
        { 400, "Webex rejects serviceApp.clientId, clientSecret or targetOrgId (HTTP 400, no, trackingId T2)" },
        { 403, "the personal access token lacks the scope spark:applications_token, or no full admin has authorized the service app in Control Hub "
            + "(HTTP 403, no, trackingId T2)" },
        { 404, "Webex has no service app with this serviceApp.appId (HTTP 404, no, trackingId T2)" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_configuration_error_is_reported_and_retried_slowly(int status, string message)
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.Provider.ApplicationToken.Fail(new Fault.Respond(status, """{"message":"no","trackingId":"T2"}"""));
        await fixture.Configure(fixture.Provider.LoginPersonal()).OpenAsync();

        var refused = Assert.IsType<TokenState.InvalidClient>(fixture.ServiceApp.Snapshot.State);
        Assert.Equal(message, refused.Reason);
        Assert.Equal(fixture.Time.GetUtcNow() + TimeSpan.FromHours(1), refused.RetryAt);
        fixture.Provider.ApplicationToken.Clear();
        await fixture.PassAsync(TimeSpan.FromMinutes(61), TimeSpan.FromMinutes(1));
        Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task A_response_without_an_access_token_is_reported_and_retried()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.Provider.ApplicationToken.Fail(new Fault.Respond(200, """{"token_type":"Bearer"}"""), 1);
        await fixture.Configure(fixture.Provider.LoginPersonal()).OpenAsync();

        Assert.Equal("Webex's response for the service app has no access token", fixture.ServiceApp.Snapshot.History.LastError);
        await fixture.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(10));
        Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task An_expired_level_is_skipped_without_a_request()
    {
        await using var fixture = await WebexFixture.StartAsync(
            new WebexProviderOptions { ServiceAppLifetimes = new(TimeSpan.FromDays(14), TimeSpan.FromDays(20), TimeSpan.FromMinutes(1)) });
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();
        var requests = fixture.Provider.ServiceAppToken.Requests;

        // The machine was off for a month, and the file contains both expiry times.
        fixture.Time.Advance(TimeSpan.FromDays(30));
        await fixture.OpenAsync();

        Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State);
        Assert.Equal((requests, 1), (fixture.Provider.ServiceAppToken.Requests, fixture.Provider.ApplicationToken.Requests));
    }

    [Fact]
    public async Task An_upstream_network_failure_does_not_lose_the_login()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.Provider.IntegrationToken.Fail(new Fault.ServerError());
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).OpenAsync();

        Assert.IsType<TokenState.Missing>(fixture.ServiceApp.Snapshot.State);
        Assert.NotNull(fixture.ServiceApp.NextRenewal);
        fixture.Provider.IntegrationToken.Clear();
        await fixture.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));

        Assert.IsType<TokenState.Active>(fixture.ServiceApp.Snapshot.State);
        Assert.Equal(3, fixture.LevelsLeft);
    }

    [Fact]
    public async Task A_login_to_the_files_integration_restores_every_level()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var manager = $$"""{"clientId":"{{fixture.Provider.IntegrationClientId}}","clientSecret":"{{fixture.Provider.IntegrationClientSecret}}"}""";
        fixture.DirectoryPath.Write(
            "token-config.json", $$"""{"serviceApp":{{fixture.ServiceAppSection().ToJsonString()}},"tokenManager":{{manager}}}""");
        await fixture.OpenAsync();
        Assert.IsType<LoginMethod.Redirect>(fixture.Account.Login);
        Assert.Equal(0, fixture.LevelsLeft);

        var integration = fixture.Provider.LoginIntegration();
        await fixture.Account.AdoptAsync(
            new Token
            {
                AccessToken = new(integration.AccessToken),
                RefreshToken = new(integration.RefreshToken),
                ExpiresAt = fixture.Time.GetUtcNow() + integration.ExpiresIn
            }, WebexFixture.Cancellation);

        Assert.Equal(3, fixture.LevelsLeft);
        Assert.IsType<TokenState.Active>((await fixture.Personal.RenewAsync(null, WebexFixture.Cancellation)).State);
        Assert.Equal(1, fixture.Provider.IntegrationToken.Requests);
        Assert.Equal(fixture.Provider.IntegrationClientSecret, fixture.Manager.Text("clientSecret"));
    }

    [Fact]
    public async Task A_personal_token_with_unknown_expiry_is_used_until_it_is_rejected()
    {
        await using var fixture = await WebexFixture.StartAsync();
        fixture.Provider.TokenExpiry.Fail(new Fault.Respond(404, "{}"));
        await fixture.Configure().OpenAsync();

        var pasted = new Secret(fixture.Provider.LoginPersonal());
        Assert.IsType<Renewal.Renewed>(await fixture.Account.Paste.TryAsync(pasted, _ => Task.FromResult(true), WebexFixture.Cancellation));
        await fixture.PassAsync(TimeSpan.FromHours(30), TimeSpan.FromMinutes(30));

        Assert.Null(fixture.Personal.Snapshot.State.Token!.ExpiresAt);
        Assert.Equal(2, fixture.LevelsLeft);
        Assert.Equal(1, fixture.Provider.Me.Requests);

        fixture.Provider.ServiceApp.RevokeAll();
        Assert.IsType<TokenState.Lost>((await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation)).State);
        Assert.IsType<TokenState.Lost>(fixture.Personal.Snapshot.State);
        Assert.Equal(0, fixture.LevelsLeft);
    }

    [Fact]
    public async Task A_personal_token_pasted_during_a_renewal_keeps_the_new_refresh_token()
    {
        var time = new ManualTime();
        using var http = new StubHttp().Otherwise((request, _) => request.RequestUri!.AbsolutePath switch
        {
            "/v1/access_token" => StubHttp.Answer(HttpStatusCode.OK, """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}"""),
            "/v1/people/me" => StubHttp.Answer(HttpStatusCode.OK, "{}"),
            _ => StubHttp.Answer(HttpStatusCode.NotFound, "{}"),
        });
        using var client = http.Client;
        var store = new WatchedStore(new MemoryStore(TokenManagerBench.Some(time)));
        await using var chain = new WebexTokens(new WebexTokensOptions
        {
            ConfigFile = "/nowhere/token-config.json",
            Integration = new OAuthClient("id", new Secret("secret")),
            Api = new Uri("https://webex.invalid"),
            Http = client,
            Store = new MemoryStore(),
            PersonalStore = store,
        }, time);
        await chain.Personal.LoadAsync(WebexFixture.Cancellation);
        Task<Renewal>? pasting = null;
        // The network responds at once, so that the renewal runs as far as possible.
        store.BeforeWrite = () => pasting ??= chain.TryAsync(new Secret("pasted"), _ => Task.FromResult(true), WebexFixture.Cancellation);

        await chain.Personal.RenewAsync(null, WebexFixture.Cancellation);
        Assert.IsType<Renewal.Renewed>(await pasting!);

        var token = chain.Personal.Snapshot.State.Token!;
        Assert.Equal(("pasted", "refresh-1"), (token.AccessToken!.Reveal(), token.RefreshToken!.Reveal()));
    }

    [Fact]
    public async Task The_log_contains_no_secret_that_Webex_repeats()
    {
        await using var fixture = await WebexFixture.StartAsync();
        var (personal, service) = (fixture.Provider.LoginPersonal(), fixture.Provider.LoginServiceApp());
        fixture.Provider.ServiceAppToken.Fail(
            new Fault.Respond(
            401, $$"""{"message":"refresh token {{service.RefreshToken}} of {{fixture.Provider.ClientSecret}} is invalid","trackingId":"T3"}"""));
        fixture.Provider.ApplicationToken.Fail(
            new Fault.Respond(401, $$"""{"message":"token {{personal}} is invalid","trackingId":"{{personal}}"}"""));
        fixture.Provider.Me.Fail(new Fault.Respond(401, $$"""{"message":"token {{personal}} is invalid","trackingId":"{{personal}}"}"""));
        await fixture.Configure(personal).WriteEnv(service).OpenAsync();
        await fixture.ServiceApp.RenewAsync(null, WebexFixture.Cancellation);

        Assert.NotEmpty(fixture.Log.At(LogLevel.Error));
        fixture.Log.HoldNone(personal, service.AccessToken, service.RefreshToken, fixture.Provider.ClientSecret);
        Assert.All(fixture.Account.Levels(fixture.Time.GetUtcNow()), level => Assert.False(Support.CollectedLog.Leaks(level.Next, personal)));
    }

    [Fact]
    public async Task Status_lists_four_levels_with_expiry_and_next_step()
    {
        await using var fixture = await WebexFixture.StartAsync();
        await fixture.Configure(integration: fixture.Provider.LoginIntegration()).WriteEnv(fixture.Provider.LoginServiceApp()).OpenAsync();

        var levels = fixture.Account.Levels(fixture.Time.GetUtcNow());

        Assert.Equal(
            ["service app, by its refresh token", "service app, by the personal access token", "personal access token, by the integration",
                "you"], levels.Select(l => l.Name));
        Assert.All(levels, level => Assert.True(level.IsAvailable));
        Assert.Equal([90, 14, 90], levels.Take(3).Select(l => (l.ExpiresAt!.Value - fixture.Time.GetUtcNow()).TotalDays));
        Assert.StartsWith("next renewal at 2026-12-0", levels[0].Next, StringComparison.Ordinal);
        Assert.Equal("needed when no other way is left: oauth-exporter login", levels[3].Next);
        Assert.Equal(
            fixture.Personal.Snapshot.State.Token!.RefreshExpiresAt!.Value.ToUnixTimeSeconds(),
            fixture.Metric("webex_integration_token_expiry_timestamp_seconds"));
    }
}
