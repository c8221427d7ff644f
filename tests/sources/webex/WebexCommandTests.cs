using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Cmd;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The common commands, for a Webex account.</summary>
public sealed partial class WebexCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_login_by_browser_creates_the_file_and_renews_the_service_apps_token()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: true);
        var login = fixture.RunAsync("login", "hook");
        await fixture.WaitForErrorAsync("Waiting for the browser");

        var back = await ConsentAsync(fixture);
        Assert.StartsWith($"http://localhost:{fixture.Port}/callback?", back.OriginalString, StringComparison.Ordinal);
        using var http = new HttpClient();
        using var guess = await http.GetAsync(new Uri($"http://localhost:{fixture.Port}/callback?code=evil&state=token_manager_setup"), Cancellation);
        using var page = await http.GetAsync(back, Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (guess.StatusCode, page.StatusCode));
        Assert.Equal(0, await login);
        var manager = fixture.Read("token-config.json").Inner("tokenManager")!;
        Assert.Equal(fixture.Provider.IntegrationClientId, manager.Inner("integration")!.Text("clientId"));
        Assert.Equal(fixture.Provider.IntegrationClientSecret, manager.Inner("integration")!.Text("clientSecret"));
        Assert.NotNull(manager.Inner("integration")!.Text("refreshToken"));
        Assert.NotNull(manager.Text("personalAccessToken"));
        Assert.NotNull(DotEnv.Find(File.ReadAllBytes(fixture[".env"]), "WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.Equal(1, fixture.Provider.ApplicationToken.Requests);
        Assert.Equal(
            $"hook: logged in; the token is in {fixture[".env"]} and valid until 2026-12-05 12:00:00Z (in 14 days); the token that renews it is in "
                + $"{fixture["token-config.json"]} and valid until 2026-12-05 12:00:00Z (in 14 days).\n",
            fixture.Output);
        Assert.All(
            new[] { ".env", "token-config.json" }, file =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture[file])));
    }

    [Fact]
    public async Task The_listener_accepts_both_loopback_addresses()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var fixture = await Fixture.StartAsync(app: true, integration: true);
        var login = fixture.RunAsync("login", "hook");
        await fixture.WaitForErrorAsync("Waiting for the browser");
        var back = (await ConsentAsync(fixture)).Query;

        using var http = new HttpClient();
        using var four = await http.GetAsync(new Uri($"http://127.0.0.1:{fixture.Port}/callback"), Cancellation);
        using var six = await http.GetAsync(new Uri($"http://[::1]:{fixture.Port}/callback{back}"), Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (four.StatusCode, six.StatusCode));
        Assert.Equal(0, await login);
    }

    [Theory]
    [InlineData("login")]
    [InlineData("check")]
    [InlineData("refresh")]
    [InlineData("status")]
    [InlineData("serve")]
    public async Task Without_a_service_app_every_command_lists_the_missing_fields_and_asks_for_nothing(string command)
    {
        await using var fixture = await Fixture.StartAsync(app: false, integration: true);

        Assert.Equal(1, await fixture.RunAsync(command));

        Assert.Contains(
            "token-config.json; create it, or correct the path; "
            + "it must contain serviceApp.appId, serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId", fixture.Error,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Paste", fixture.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(fixture["token-config.json"]));
    }

    [Fact]
    public async Task A_port_in_use_is_reported_with_the_remedy()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: true);
        using var taken = new TcpListener(IPAddress.Loopback, fixture.Port);
        taken.Start();

        Assert.Equal(1, await fixture.RunAsync("login", "hook"));

        Assert.Contains(
            $"redirect: port {fixture.Port} is in use. Paste the browser's final address, or free the port and start again.",
            fixture.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pasted_personal_token_is_checked_first()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: false);

        Assert.Equal(1, await fixture.RunAsync("not-a-token\n", interactive: true, "login", "hook"));
        Assert.Contains("Webex rejects the personal access token", fixture.RecentError, StringComparison.Ordinal);
        Assert.False(File.Exists(fixture["token-config.json"]));

        fixture.Provider.Me.Fail(new Fault.ServerError(), 1);
        Assert.Equal(2, await fixture.RunAsync($"{fixture.Provider.LoginPersonal()}\n", interactive: true, "login", "hook", "--token"));
        Assert.False(File.Exists(fixture["token-config.json"]));

        Assert.Equal(0, await fixture.RunAsync($"{fixture.Provider.LoginPersonal()}\n", interactive: true, "login", "hook", "--token"));
        Assert.Contains("Paste the personal access token: ", fixture.RecentError, StringComparison.Ordinal);
        Assert.Contains("valid until 2026-11-22 00:00:00Z (in 12 hours)", fixture.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pasted_personal_token_does_not_change_the_integration()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: false);
        var integration = fixture.Provider.LoginIntegration();
        var (id, secret) = (fixture.Provider.IntegrationClientId, fixture.Provider.IntegrationClientSecret);
        fixture.Write("token-config.json", $$$"""
            {"tokenManager":{"oauthClientId":"{{{id}}}","oauthClientSecret":"{{{secret}}}","oauthRefreshToken":"{{{integration.RefreshToken}}}"}}
            """);

        var personal = fixture.Provider.LoginPersonal();
        Assert.Equal(0, await fixture.RunAsync($"{personal}\n", interactive: true, "login", "hook", "--token"));

        var manager = fixture.Read("token-config.json").Inner("tokenManager")!;
        Assert.Equal((personal, integration.RefreshToken), (manager.Text("personalAccessToken"), manager.Text("oauthRefreshToken")));
    }

    [Fact]
    public async Task Refresh_asks_before_it_renews_a_valid_token()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: false);
        await fixture.RunAsync($"{fixture.Provider.LoginPersonal()}\n", interactive: true, "login", "hook");

        Assert.Equal(0, await fixture.RunAsync("n\n", interactive: true, "refresh", "hook"));
        Assert.Contains("Renew it now? [y/N] ", fixture.RecentError, StringComparison.Ordinal);
        Assert.Equal(0, fixture.Provider.ServiceAppToken.Requests);

        fixture.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, await fixture.RunAsync("y\n", interactive: true, "refresh", "hook"));
        Assert.Equal(1, fixture.Provider.ServiceAppToken.Requests);
        Assert.EndsWith("hook: renewed; the token is valid until 2026-12-06 12:00:00Z (in 14 days).\n", fixture.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_prints_only_the_service_apps_token()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: false);
        var issued = fixture.Provider.LoginServiceApp();
        fixture.Write(".env", $"WEBEX_SERVICE_APP_REFRESH_TOKEN={issued.RefreshToken}\n");

        Assert.Equal(0, await fixture.RunAsync("token", "hook"));

        Assert.Equal(DotEnv.Find(File.ReadAllBytes(fixture[".env"]), "WEBEX_SERVICE_APP_ACCESS_TOKEN") + "\n", fixture.Output);
    }

    [Fact]
    public async Task Status_shows_four_levels_from_the_files_alone()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: false);
        await fixture.RunAsync($"{fixture.Provider.LoginPersonal()}\n", interactive: true, "login", "hook");
        var asked = fixture.Provider.Me.Requests;

        Assert.Equal(0, await fixture.RunAsync("status"));
        Assert.Equal(0, await fixture.RunAsync("status", "--json"));

        Assert.Equal(asked, fixture.Provider.Me.Requests);
        foreach (var line in new[]
        {
            @"service app, by its refresh token +yes +2027-02-19 12:00:00Z \(in 90 days\) +next renewal at 2026-12-0",
            @"service app, by the personal access token +yes +2026-11-22 00:00:00Z \(in 12 hours\) +used when Webex rejects the service app's",
            @"personal access token, by the integration +no +– +there is none in ",
            @"you +yes +– +needed when no other way is left: oauth-exporter login hook",
        })
        {
            Assert.Matches(line, fixture.Output);
        }
        using var json = JsonDocument.Parse(fixture.Output[fixture.Output.IndexOf("[\n", StringComparison.Ordinal)..]);
        Assert.Equal(
            [true, true, false, true], json.RootElement[0].GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("left").GetBoolean()));
    }

    [Fact]
    public async Task Logout_removes_every_level_and_keeps_the_rest_of_the_files()
    {
        await using var fixture = await Fixture.StartAsync(app: true, integration: true);
        var integration = fixture.Provider.LoginIntegration();
        fixture.Write(".env", "# mine\nOTHER=1\n");
        var client = $"\"clientId\":\"{fixture.Provider.IntegrationClientId}\",\"clientSecret\":\"{fixture.Provider.IntegrationClientSecret}\"";
        fixture.Write("token-config.json", $$$"""
            {"serviceApp":{"appId":"x"},"tokenManager":{{{{client}}},"refreshToken":"{{{integration.RefreshToken}}}"}}
            """);
        Assert.Equal(0, await fixture.RunAsync("token", "hook"));

        Assert.Equal(0, await fixture.RunAsync("logout", "hook"));

        Assert.StartsWith(
            "# mine\nOTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=\nWEBEX_SERVICE_APP_REFRESH_TOKEN=\n",
            await File.ReadAllTextAsync(fixture[".env"], Cancellation), StringComparison.Ordinal);
        Assert.Equal(
            $$$"""{"serviceApp":{"appId":"x"},"tokenManager":{{{{client}}}}}""",
            await File.ReadAllTextAsync(fixture["token-config.json"], Cancellation));
        Assert.Equal(1, await fixture.RunAsync("token", "hook"));
        Assert.Equal(1, await fixture.RunAsync("status"));
    }

    private static async Task<Uri> ConsentAsync(Fixture fixture)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var address = new Uri(AddressLine().Match(fixture.Error).Groups[1].Value);
        Assert.Contains("scope=spark%3Aapplications_token", address.Query, StringComparison.Ordinal);
        Assert.Contains("code_challenge_method=S256", address.Query, StringComparison.Ordinal);
        var page = await http.GetStringAsync(address, Cancellation);
        using var answer = await http.PostAsync(address, new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["consent"] = Regex.Match(page, "name=\"consent\" value=\"([^\"]+)\"").Groups[1].Value,
            ["decision"] = "accept",
        }), Cancellation);
        return answer.Headers.Location!;
    }

    [GeneratedRegex(@"(http\S+/v1/authorize\S+)")]
    private static partial Regex AddressLine();

    /// <summary>A configuration with one Webex account. The callback uses a free port.</summary>
    private sealed class Fixture : InProcessCommands
    {
        private readonly SandboxServer sandbox;

        private Fixture(SandboxServer sandbox, ManualTime time, bool app, bool integration)
            : base(time)
        {
            this.sandbox = sandbox;
            Port = FreePort.Take();
            var redirect = $"http://localhost:{Port}/callback";
            Provider.Integration.Register(new RegisteredClient(Provider.IntegrationClientId, Provider.IntegrationClientSecret, [redirect]));
            Configure($"""
                accounts:
                  hook:
                    source: webex
                    api_url: {sandbox.Address.OriginalString}
                    redirect_uri: {redirect}

                """);
            if (app)
            {
                Configure(
                    $"    app_id: {Provider.AppId}\n    client_id: {Provider.ClientId}\n    client_secret: {Provider.ClientSecret}\n    "
                    + $"target_org_id: {Provider.OrgId}\n");
            }
            if (integration)
            {
                Configure($"    integration_client_id: {Provider.IntegrationClientId}\n    integration_client_secret: "
                    + $"{Provider.IntegrationClientSecret}\n");
            }
        }

        public WebexProvider Provider => sandbox.Webex;

        public int Port { get; }

        public static async Task<Fixture> StartAsync(bool app, bool integration)
        {
            var time = new ManualTime();
            return new Fixture(await SandboxServer.StartAsync(new SandboxOptions { Time = time }, Cancellation), time, app, integration);
        }

        public override async ValueTask DisposeAsync()
        {
            await sandbox.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
