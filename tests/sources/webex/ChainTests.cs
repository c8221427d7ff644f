using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Exporter.Webex;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Each level made to die in turn, and each kept alive when only the way to it fails.</summary>
public sealed class ChainTests
{
    [Fact]
    public async Task The_first_level_is_the_service_apps_refresh_token()
    {
        await using var bench = await WebexBench.StartAsync();
        var issued = bench.Provider.LoginServiceApp();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(issued).OpenAsync();

        Assert.NotEqual(issued.AccessToken, bench.Access!.Reveal());
        Assert.Equal((1, 0), (bench.Provider.ServiceAppToken.Requests, bench.Provider.ApplicationToken.Requests));
        Assert.Equal(bench.Access.Reveal(), bench.Env("WEBEX_SERVICE_APP_ACCESS_TOKEN"));
        Assert.NotEqual(issued.RefreshToken, bench.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.StartsWith("OTHER=1\n", await File.ReadAllTextAsync(bench.EnvFile, WebexBench.Cancellation), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench.EnvFile));
        Assert.Equal(3, bench.LevelsLeft);
    }

    [Fact]
    public async Task A_dead_refresh_token_is_followed_by_the_personal_token_at_once_and_told()
    {
        await using var bench = await WebexBench.StartAsync();
        var integration = bench.Provider.LoginIntegration();
        await bench.Configure(integration.AccessToken, integration).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();
        bench.Provider.ServiceApp.RevokeAll();

        var after = await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);

        Assert.IsType<TokenState.Active>(after.State);
        Assert.Equal(1, bench.Provider.ApplicationToken.Requests);
        var told = Assert.Single(bench.Log.At(LogLevel.Warning), line => line.Contains("tried next", StringComparison.Ordinal));
        Assert.StartsWith("account webex: the service app: the refresh token is no longer accepted (HTTP 401, The refresh token provided is expired, revoked, malformed, or invalid., trackingId SANDBOX_", told, StringComparison.Ordinal);
        Assert.Equal(3, bench.LevelsLeft);
    }

    [Fact]
    public async Task A_dead_personal_token_is_renewed_by_the_integration_and_the_request_is_sent_once_more()
    {
        await using var bench = await WebexBench.StartAsync();
        var (dead, integration) = (bench.Provider.LoginPersonal(), bench.Provider.LoginIntegration());
        await bench.Configure(dead, integration).OpenAsync();
        Assert.Equal(3, bench.LevelsLeft);
        bench.Provider.ServiceApp.RevokeAll();
        bench.Provider.Personal.RevokeAll();
        bench.Provider.Integration.ExpireAccessTokens();
        bench.Time.Advance(TimeSpan.FromMinutes(2));

        var after = await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);

        Assert.IsType<TokenState.Active>(after.State);
        // At the start, refused, and with the fresh one.
        Assert.Equal(3, bench.Provider.ApplicationToken.Requests);
        Assert.Equal(1, bench.Provider.IntegrationToken.Requests);
        Assert.NotEqual(integration.RefreshToken, bench.Manager.Inner("integration")!.Text("refreshToken"));
        Assert.Equal(bench.Personal.Snapshot.State.Token!.AccessToken!.Reveal(), bench.Manager.Text("personalAccessToken"));
    }

    [Fact]
    public async Task Without_an_integration_a_dead_personal_token_leaves_a_person_and_the_message_says_so()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(bench.Provider.LoginPersonal()).OpenAsync();
        bench.Provider.ServiceApp.RevokeAll();
        bench.Provider.Personal.RevokeAll();
        bench.Time.Advance(TimeSpan.FromMinutes(2));

        var after = await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);

        var lost = Assert.IsType<TokenState.Lost>(after.State);
        Assert.Contains("the service app: the refresh token is no longer accepted", lost.Reason, StringComparison.Ordinal);
        Assert.Contains("Webex does not accept the personal access token", lost.Reason, StringComparison.Ordinal);
        Assert.Contains("exporter login --token", lost.Reason, StringComparison.Ordinal);
        Assert.Equal(0, bench.LevelsLeft);
    }

    [Fact]
    public async Task With_every_level_dead_a_person_is_asked_for_and_a_new_token_in_the_file_wakes_the_account()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();
        bench.Provider.ServiceApp.RevokeAll();
        bench.Provider.Integration.RevokeAll();
        bench.Time.Advance(TimeSpan.FromMinutes(2));

        Assert.IsType<TokenState.Lost>((await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation)).State);
        Assert.Equal(0, bench.LevelsLeft);
        Assert.Contains("the integration: the refresh token is no longer accepted", Assert.IsType<TokenState.Lost>(bench.Personal.Snapshot.State).Reason, StringComparison.Ordinal);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(WebexBench.Cancellation);
        var running = bench.Account.RunAsync(end.Token);
        bench.Configure(bench.Provider.LoginPersonal());
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        var changed = bench.ServiceApp.Changed;
        await bench.Personal.VisitAsync(WebexBench.Cancellation);
        while (bench.ServiceApp.Snapshot.State is not TokenState.Active)
        {
            await changed.WaitAsync(WebexBench.Cancellation);
            changed = bench.ServiceApp.Changed;
        }

        Assert.Equal(2, bench.LevelsLeft);
        await end.CancelAsync();
        await running;
    }

    public static TheoryData<string, Fault> Passing => new()
    {
        { "503", new Fault.ServerError() },
        { "a gateway's page", new Fault.Html() },
        { "a cut connection", new Fault.Drop() },
        { "429", new Fault.TooManyRequests("120") },
        { "423", new Fault.Respond(423, """{"message":"locked","trackingId":"T1"}""", RetryAfter: "120") },
        { "no JSON", new Fault.Garbage() },
        { "401 that says nothing", new Fault.Respond(401, "{}") },
        { "400 that nobody understands", new Fault.Respond(400, """{"message":"Something went wrong."}""") },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task What_may_pass_burns_no_level(string what, Fault fault)
    {
        Assert.NotEmpty(what);
        await using var bench = await WebexBench.StartAsync();
        var issued = bench.Provider.LoginServiceApp();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(issued).OpenAsync();
        var (refresh, integration) = (bench.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"), bench.Manager.Inner("integration")!.Text("refreshToken"));
        bench.Provider.ServiceAppToken.Fail(fault);
        bench.Provider.IntegrationToken.Fail(fault);
        bench.Provider.ApplicationToken.Fail(fault);

        var after = await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);
        await bench.Personal.RenewAsync(null, WebexBench.Cancellation);

        Assert.Equal(1, Assert.IsType<TokenState.Active>(after.State).FailedRenewals);
        Assert.Equal(0, bench.Provider.ApplicationToken.Requests);
        Assert.Equal((refresh, integration), (bench.Env("WEBEX_SERVICE_APP_REFRESH_TOKEN"), bench.Manager.Inner("integration")!.Text("refreshToken")));
        Assert.Equal(3, bench.LevelsLeft);

        bench.Provider.ServiceAppToken.Clear();
        bench.Provider.IntegrationToken.Clear();
        await bench.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        Assert.Equal(0, Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State).FailedRenewals);
        Assert.Equal(0, Assert.IsType<TokenState.Active>(bench.Personal.Snapshot.State).FailedRenewals);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(423)]
    public async Task Retry_After_is_obeyed_at_every_level(int status)
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(bench.Provider.LoginPersonal()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();
        bench.Provider.ServiceApp.RevokeAll();
        bench.Provider.ApplicationToken.Fail(new Fault.Respond(status, """{"message":"too many","trackingId":"T7"}""", RetryAfter: "1800"));

        var after = await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);

        Assert.Equal(bench.Time.GetUtcNow() + TimeSpan.FromMinutes(30), Assert.IsType<TokenState.Active>(after.State).RenewAt);
        Assert.Equal(1, after.History.Failures[FailureKind.RateLimited]);
        Assert.Equal($"Webex asks for patience (HTTP {status}, too many, trackingId T7)", after.History.LastError);
        // The dead refresh token is not sent again while the next level is waited for.
        var requests = bench.Provider.ServiceAppToken.Requests;
        bench.Provider.ApplicationToken.Clear();
        await bench.PassAsync(TimeSpan.FromMinutes(31), TimeSpan.FromMinutes(1));
        Assert.Equal(requests, bench.Provider.ServiceAppToken.Requests);
        Assert.Equal(0, Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State).FailedRenewals);
    }

    public static TheoryData<int, string> Refusals => new()
    {
        { 400, "Webex does not accept serviceApp.clientId, clientSecret or targetOrgId (HTTP 400, no, trackingId T2)" },
        { 403, "the personal access token lacks the scope spark:applications_token, or no full admin has authorized the service app in Control Hub (HTTP 403, no, trackingId T2)" },
        { 404, "Webex knows no service app of this serviceApp.appId (HTTP 404, no, trackingId T2)" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_a_person_has_to_mend_is_said_and_tried_again_slowly(int status, string message)
    {
        await using var bench = await WebexBench.StartAsync();
        bench.Provider.ApplicationToken.Fail(new Fault.Respond(status, """{"message":"no","trackingId":"T2"}"""));
        await bench.Configure(bench.Provider.LoginPersonal()).OpenAsync();

        var refused = Assert.IsType<TokenState.InvalidClient>(bench.ServiceApp.Snapshot.State);
        Assert.Equal(message, refused.Reason);
        Assert.Equal(bench.Time.GetUtcNow() + TimeSpan.FromHours(1), refused.RetryAt);
        bench.Provider.ApplicationToken.Clear();
        await bench.PassAsync(TimeSpan.FromMinutes(61), TimeSpan.FromMinutes(1));
        Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task An_answer_without_an_access_token_is_said_and_tried_again()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.Provider.ApplicationToken.Fail(new Fault.Respond(200, """{"token_type":"Bearer"}"""), 1);
        await bench.Configure(bench.Provider.LoginPersonal()).OpenAsync();

        Assert.Equal("there is no access token in Webex's answer for the service app", bench.ServiceApp.Snapshot.History.LastError);
        await bench.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(10));
        Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State);
    }

    [Fact]
    public async Task A_level_that_is_known_to_have_ended_is_stepped_over_without_a_request()
    {
        await using var bench = await WebexBench.StartAsync(new WebexProviderOptions { ServiceAppLifetimes = new(TimeSpan.FromDays(14), TimeSpan.FromDays(20), TimeSpan.FromMinutes(1)) });
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();
        var requests = bench.Provider.ServiceAppToken.Requests;

        // The machine was off for a month, and both ends stand in the file.
        bench.Time.Advance(TimeSpan.FromDays(30));
        await bench.OpenAsync();

        Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State);
        Assert.Equal((requests, 1), (bench.Provider.ServiceAppToken.Requests, bench.Provider.ApplicationToken.Requests));
    }

    [Fact]
    public async Task A_network_that_fails_beneath_keeps_the_account_waiting_and_not_lost()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.Provider.IntegrationToken.Fail(new Fault.ServerError());
        await bench.Configure(integration: bench.Provider.LoginIntegration()).OpenAsync();

        Assert.IsType<TokenState.Missing>(bench.ServiceApp.Snapshot.State);
        Assert.NotNull(bench.ServiceApp.NextRenewal);
        bench.Provider.IntegrationToken.Clear();
        await bench.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));

        Assert.IsType<TokenState.Active>(bench.ServiceApp.Snapshot.State);
        Assert.Equal(3, bench.LevelsLeft);
    }

    [Fact]
    public async Task A_login_to_an_integration_that_the_file_names_brings_every_level_to_life()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.DirectoryPath.Write("token-config.json", $$$"""{"serviceApp":{{{bench.ServiceAppSection().ToJsonString()}}},"tokenManager":{"clientId":"{{{bench.Provider.IntegrationClientId}}}","clientSecret":"{{{bench.Provider.IntegrationClientSecret}}}"}}""");
        await bench.OpenAsync();
        Assert.IsType<LoginMethod.Redirect>(bench.Account.Login);
        Assert.Equal(0, bench.LevelsLeft);

        var integration = bench.Provider.LoginIntegration();
        await bench.Account.AdoptAsync(new Token { AccessToken = new(integration.AccessToken), RefreshToken = new(integration.RefreshToken), ExpiresAt = bench.Time.GetUtcNow() + integration.ExpiresIn }, WebexBench.Cancellation);

        Assert.Equal(3, bench.LevelsLeft);
        Assert.IsType<TokenState.Active>((await bench.Personal.RenewAsync(null, WebexBench.Cancellation)).State);
        Assert.Equal(1, bench.Provider.IntegrationToken.Requests);
        Assert.Equal(bench.Provider.IntegrationClientSecret, bench.Manager.Text("clientSecret"));
    }

    [Fact]
    public async Task Where_Webex_does_not_tell_the_end_a_personal_token_is_used_until_it_is_refused()
    {
        await using var bench = await WebexBench.StartAsync();
        bench.Provider.TokenExpiry.Fail(new Fault.Respond(404, "{}"));
        await bench.Configure().OpenAsync();

        Assert.IsType<Renewal.Renewed>(await bench.Account.Paste.TryAsync(new(bench.Provider.LoginPersonal()), WebexBench.Cancellation));
        await bench.PassAsync(TimeSpan.FromHours(30), TimeSpan.FromMinutes(30));

        Assert.Null(bench.Personal.Snapshot.State.Token!.ExpiresAt);
        Assert.Equal(2, bench.LevelsLeft);
        Assert.Equal(1, bench.Provider.Me.Requests);

        bench.Provider.ServiceApp.RevokeAll();
        Assert.IsType<TokenState.Lost>((await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation)).State);
        Assert.IsType<TokenState.Lost>(bench.Personal.Snapshot.State);
        Assert.Equal(0, bench.LevelsLeft);
    }

    [Fact]
    public async Task A_personal_token_that_is_pasted_while_the_integration_is_asked_leaves_it_the_refresh_token_that_comes()
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
        var parts = new WebexChainParts(
            "webex", new TokenConfig("/nowhere/token-config.json", ServiceAppSettings.None), new OAuthClient("id", new Secret("secret")), new Uri("https://webex.invalid"), WebexDefaults.LoopbackRedirect, [], "exporter login");
        var chain = new WebexChain(parts, new MemoryStore(), store, new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, client, time, NullLogger.Instance);
        await chain.Personal.LoadAsync(WebexBench.Cancellation);
        Task<Renewal>? pasting = null;
        // The network answers at once, so that this goes as far as it may.
        store.BeforeWrite = () => pasting ??= chain.TryAsync(new Secret("pasted"), WebexBench.Cancellation);

        await chain.Personal.RenewAsync(null, WebexBench.Cancellation);
        Assert.IsType<Renewal.Renewed>(await pasting!);

        var token = chain.Personal.Snapshot.State.Token!;
        Assert.Equal(("pasted", "refresh-1"), (token.AccessToken!.Reveal(), token.RefreshToken!.Reveal()));
    }

    [Fact]
    public async Task No_secret_is_in_the_log_whatever_Webex_repeats()
    {
        await using var bench = await WebexBench.StartAsync();
        var (personal, service) = (bench.Provider.LoginPersonal(), bench.Provider.LoginServiceApp());
        bench.Provider.ServiceAppToken.Fail(new Fault.Respond(401, $$"""{"message":"refresh token {{service.RefreshToken}} of {{bench.Provider.ClientSecret}} is invalid","trackingId":"T3"}"""));
        bench.Provider.ApplicationToken.Fail(new Fault.Respond(401, $$"""{"message":"token {{personal}} is invalid","trackingId":"{{personal}}"}"""));
        bench.Provider.Me.Fail(new Fault.Respond(401, $$"""{"message":"token {{personal}} is invalid","trackingId":"{{personal}}"}"""));
        await bench.Configure(personal).WriteEnv(service).OpenAsync();
        await bench.ServiceApp.RenewAsync(null, WebexBench.Cancellation);

        Assert.NotEmpty(bench.Log.At(LogLevel.Error));
        bench.Log.HoldNone(personal, service.AccessToken, service.RefreshToken, bench.Provider.ClientSecret);
        Assert.All(bench.Account.Levels(bench.Time.GetUtcNow()), level => Assert.False(Support.CollectedLog.Leaks(level.Next, personal)));
    }

    [Fact]
    public async Task Status_has_four_levels_with_their_ends_and_what_happens_next()
    {
        await using var bench = await WebexBench.StartAsync();
        await bench.Configure(integration: bench.Provider.LoginIntegration()).WriteEnv(bench.Provider.LoginServiceApp()).OpenAsync();

        var levels = bench.Account.Levels(bench.Time.GetUtcNow());

        Assert.Equal(
            ["service app, by its refresh token", "service app, by the personal access token", "personal access token, by the integration", "a person"], levels.Select(l => l.Name));
        Assert.All(levels, level => Assert.True(level.IsAvailable));
        Assert.Equal([90, 14, 90], levels.Take(3).Select(l => (l.ExpiresAt!.Value - bench.Time.GetUtcNow()).TotalDays));
        Assert.StartsWith("next: the service app's token is renewed at 2026-12-0", levels[0].Next, StringComparison.Ordinal);
        Assert.Equal("needed once nothing else is left: exporter login", levels[3].Next);
        Assert.Equal(bench.Personal.Snapshot.State.Token!.RefreshExpiresAt!.Value.ToUnixTimeSeconds(), bench.Metric("webex_integration_token_expiry_timestamp_seconds"));
    }
}
