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

/// <summary>The commands of the token issue, for an account at Webex.</summary>
public sealed partial class WebexCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_login_by_browser_saves_integration_and_personal_token_into_a_file_that_was_not_there_and_gets_the_service_apps_token()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: true);
        var login = bench.RunAsync("login", "hook");
        await bench.SaysAsync("Waiting for the browser");

        var back = await ConsentAsync(bench);
        Assert.StartsWith($"http://localhost:{bench.Port}/callback?", back.OriginalString, StringComparison.Ordinal);
        using var http = new HttpClient();
        using var guess = await http.GetAsync(new Uri($"http://localhost:{bench.Port}/callback?code=evil&state=token_manager_setup"), Cancellation);
        using var page = await http.GetAsync(back, Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (guess.StatusCode, page.StatusCode));
        Assert.Equal(0, await login);
        var manager = bench.Read("token-config.json").Inner("tokenManager")!;
        Assert.Equal(bench.Provider.IntegrationClientId, manager.Inner("integration")!.Text("clientId"));
        Assert.Equal(bench.Provider.IntegrationClientSecret, manager.Inner("integration")!.Text("clientSecret"));
        Assert.NotNull(manager.Inner("integration")!.Text("refreshToken"));
        Assert.NotNull(manager.Text("personalAccessToken"));
        Assert.NotNull(DotEnv.Find(File.ReadAllBytes(bench[".env"]), "WEBEX_SERVICE_APP_REFRESH_TOKEN"));
        Assert.Equal(1, bench.Provider.ApplicationToken.Requests);
        Assert.Equal(
            $"hook: logged in; the token is in {bench[".env"]} and good until 2026-12-05 12:00:00Z (in 14 days); the one it is had with is in {bench["token-config.json"]} and good until 2026-12-05 12:00:00Z (in 14 days).\n",
            bench.Output);
        Assert.All(new[] { ".env", "token-config.json" }, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench[file])));
    }

    [Fact]
    public async Task The_listener_answers_on_both_loopback_addresses()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var bench = await Bench.StartAsync(app: true, integration: true);
        var login = bench.RunAsync("login", "hook");
        await bench.SaysAsync("Waiting for the browser");
        var back = (await ConsentAsync(bench)).Query;

        using var http = new HttpClient();
        using var four = await http.GetAsync(new Uri($"http://127.0.0.1:{bench.Port}/callback"), Cancellation);
        using var six = await http.GetAsync(new Uri($"http://[::1]:{bench.Port}/callback{back}"), Cancellation);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (four.StatusCode, six.StatusCode));
        Assert.Equal(0, await login);
    }

    [Fact]
    public async Task Without_a_service_app_the_login_is_kept_and_what_is_missing_is_named()
    {
        await using var bench = await Bench.StartAsync(app: false, integration: true);
        using var typing = new TypedLine();
        var login = bench.RunTypingAsync(typing, "login", "hook", "--paste");
        await bench.SaysAsync("Paste the address");
        typing.Type((await ConsentAsync(bench)).OriginalString);

        Assert.Equal(1, await login);

        Assert.NotNull(bench.Read("token-config.json").Inner("tokenManager")!.Text("personalAccessToken"));
        Assert.Contains("has no section serviceApp; write serviceApp.appId, serviceApp.clientId, serviceApp.clientSecret, serviceApp.targetOrgId into it", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_with_the_remedy()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: true);
        using var taken = new TcpListener(IPAddress.Loopback, bench.Port);
        taken.Start();

        Assert.Equal(1, await bench.RunAsync("login", "hook"));

        Assert.Contains($"since port {bench.Port} of this machine is taken. Paste the address that it ends at, or free the port and begin again.", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pasted_personal_token_is_checked_first()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: false);

        Assert.Equal(1, await bench.RunAsync("not-a-token\n", interactive: true, "login", "hook"));
        Assert.Contains("Webex does not accept the personal access token", bench.Said, StringComparison.Ordinal);
        Assert.False(File.Exists(bench["token-config.json"]));

        bench.Provider.Me.Fail(new Fault.ServerError(), 1);
        Assert.Equal(2, await bench.RunAsync($"{bench.Provider.LoginPersonal()}\n", interactive: true, "login", "hook", "--token"));
        Assert.False(File.Exists(bench["token-config.json"]));

        Assert.Equal(0, await bench.RunAsync($"{bench.Provider.LoginPersonal()}\n", interactive: true, "login", "hook", "--token"));
        Assert.Contains("Paste the personal access token: ", bench.Said, StringComparison.Ordinal);
        Assert.Contains("good until 2026-11-22 00:00:00Z (in 12 hours)", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pasted_personal_token_leaves_the_integration_alone()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: false);
        var integration = bench.Provider.LoginIntegration();
        bench.Write("token-config.json", $$$"""{"tokenManager":{"oauthClientId":"{{{bench.Provider.IntegrationClientId}}}","oauthClientSecret":"{{{bench.Provider.IntegrationClientSecret}}}","oauthRefreshToken":"{{{integration.RefreshToken}}}"}}""");

        var personal = bench.Provider.LoginPersonal();
        Assert.Equal(0, await bench.RunAsync($"{personal}\n", interactive: true, "login", "hook", "--token"));

        var manager = bench.Read("token-config.json").Inner("tokenManager")!;
        Assert.Equal((personal, integration.RefreshToken), (manager.Text("personalAccessToken"), manager.Text("oauthRefreshToken")));
    }

    [Fact]
    public async Task Refresh_asks_before_it_renews_what_is_still_valid()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: false);
        await bench.RunAsync($"{bench.Provider.LoginPersonal()}\n", interactive: true, "login", "hook");

        Assert.Equal(0, await bench.RunAsync("n\n", interactive: true, "refresh", "hook"));
        Assert.Contains("Renew it now? [y/N] ", bench.Said, StringComparison.Ordinal);
        Assert.Equal(0, bench.Provider.ServiceAppToken.Requests);

        bench.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, await bench.RunAsync("y\n", interactive: true, "refresh", "hook"));
        Assert.Equal(1, bench.Provider.ServiceAppToken.Requests);
        Assert.EndsWith("hook: renewed; the token is good until 2026-12-06 12:00:00Z (in 14 days).\n", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_prints_the_service_apps_token_and_nothing_else()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: false);
        var issued = bench.Provider.LoginServiceApp();
        bench.Write(".env", $"WEBEX_SERVICE_APP_REFRESH_TOKEN={issued.RefreshToken}\n");

        Assert.Equal(0, await bench.RunAsync("token", "hook"));

        Assert.Equal(DotEnv.Find(File.ReadAllBytes(bench[".env"]), "WEBEX_SERVICE_APP_ACCESS_TOKEN") + "\n", bench.Output);
    }

    [Fact]
    public async Task Status_shows_four_levels_from_the_files_alone()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: false);
        await bench.RunAsync($"{bench.Provider.LoginPersonal()}\n", interactive: true, "login", "hook");
        var asked = bench.Provider.Me.Requests;

        Assert.Equal(0, await bench.RunAsync("status"));
        Assert.Equal(0, await bench.RunAsync("status", "--json"));

        Assert.Equal(asked, bench.Provider.Me.Requests);
        foreach (var line in new[]
        {
            @"service app, by its refresh token +yes +2027-02-19 12:00:00Z \(in 90 days\) +next: the service app's token is renewed at 2026-12-0",
            @"service app, by the personal access token +yes +2026-11-22 00:00:00Z \(in 12 hours\) +used when the service app's refresh token is refused",
            @"personal access token, by the integration +no +– +there is none in ",
            @"a person +yes +– +needed once nothing else is left: exporter login hook",
        })
        {
            Assert.Matches(line, bench.Output);
        }
        using var json = JsonDocument.Parse(bench.Output[bench.Output.IndexOf("[\n", StringComparison.Ordinal)..]);
        Assert.Equal([true, true, false, true], json.RootElement[0].GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("left").GetBoolean()));
    }

    [Fact]
    public async Task Logout_forgets_every_level_and_leaves_what_else_the_files_hold()
    {
        await using var bench = await Bench.StartAsync(app: true, integration: true);
        var integration = bench.Provider.LoginIntegration();
        bench.Write(".env", "# mine\nOTHER=1\n");
        bench.Write("token-config.json", $$$"""{"serviceApp":{"appId":"x"},"tokenManager":{"clientId":"{{{bench.Provider.IntegrationClientId}}}","clientSecret":"{{{bench.Provider.IntegrationClientSecret}}}","refreshToken":"{{{integration.RefreshToken}}}"}}""");
        Assert.Equal(0, await bench.RunAsync("token", "hook"));

        Assert.Equal(0, await bench.RunAsync("logout", "hook"));

        Assert.StartsWith("# mine\nOTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=\nWEBEX_SERVICE_APP_REFRESH_TOKEN=\n", await File.ReadAllTextAsync(bench[".env"], Cancellation), StringComparison.Ordinal);
        Assert.Equal($$$"""{"serviceApp":{"appId":"x"},"tokenManager":{"clientId":"{{{bench.Provider.IntegrationClientId}}}","clientSecret":"{{{bench.Provider.IntegrationClientSecret}}}"}}""", await File.ReadAllTextAsync(bench["token-config.json"], Cancellation));
        Assert.Equal(1, await bench.RunAsync("token", "hook"));
        Assert.Equal(1, await bench.RunAsync("status"));
    }

    private static async Task<Uri> ConsentAsync(Bench bench)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var address = new Uri(AddressLine().Match(bench.Error).Groups[1].Value);
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

    /// <summary>A configuration with one account at Webex; the callback is on a free port.</summary>
    private sealed class Bench : TypedCommands
    {
        private readonly SandboxServer sandbox;

        private Bench(SandboxServer sandbox, ManualTime time, bool app, bool integration)
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
                Configure($"    app_id: {Provider.AppId}\n    client_id: {Provider.ClientId}\n    client_secret: {Provider.ClientSecret}\n    target_org_id: {Provider.OrgId}\n");
            }
            if (integration)
            {
                Configure($"    integration_client_id: {Provider.IntegrationClientId}\n    integration_client_secret: {Provider.IntegrationClientSecret}\n");
            }
        }

        public WebexProvider Provider => sandbox.Webex;

        public int Port { get; }

        public static async Task<Bench> StartAsync(bool app, bool integration)
        {
            var time = new ManualTime();
            return new Bench(await SandboxServer.StartAsync(new SandboxOptions { Time = time }, Cancellation), time, app, integration);
        }

        public override async ValueTask DisposeAsync()
        {
            await sandbox.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
