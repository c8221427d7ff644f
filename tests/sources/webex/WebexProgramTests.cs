using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The real program with the token manager's files and the stand-in.</summary>
[Trait("Suite", "slow")]
public sealed class WebexProgramTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private WebexProvider Provider => sandbox.Webex;

    public async ValueTask InitializeAsync() => sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task The_program_serves_the_levels_left_and_leaks_nothing()
    {
        var issued = Configure();
        await using var exporter = await StartAsync();
        var page = await BothKeptAsync(exporter);

        Assert.Contains("\nwebex_token_levels_left 3\n", page, StringComparison.Ordinal);
        Assert.Contains("\nwebex_personal_token_expiry_timestamp_seconds ", page, StringComparison.Ordinal);
        Assert.Contains("\nwebex_integration_token_expiry_timestamp_seconds ", page, StringComparison.Ordinal);
        Assert.Contains("exporter_token_state{source=\"webex\",state=\"active\"} 1\n", page, StringComparison.Ordinal);
        Assert.Empty(await Promtool.Check(page, Cancellation));

        var accounts = await exporter.Http.GetStringAsync("/", Cancellation);
        Assert.Contains("Ways to renew the token", accounts, StringComparison.Ordinal);
        Assert.Contains("personal access token, by the integration", accounts, StringComparison.Ordinal);
        Assert.Contains("Paste a personal access token", accounts, StringComparison.Ordinal);
        foreach (
            var secret in new[] { issued.AccessToken, issued.RefreshToken, Env("WEBEX_SERVICE_APP_ACCESS_TOKEN"),
            Env("WEBEX_SERVICE_APP_REFRESH_TOKEN") })
        {
            Assert.False(CollectedLog.Leaks(exporter.Log + page + accounts, secret));
        }
        // Leaks also looks for parts of a secret, and parts of these are common words.
        Assert.DoesNotContain(Provider.ClientSecret, exporter.Log + page + accounts, StringComparison.Ordinal);
        Assert.DoesNotContain(Provider.IntegrationClientSecret, exporter.Log + page + accounts, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_kill_the_program_reads_expiry_times_from_its_files_and_renews_nothing()
    {
        Configure();
        for (var start = 0; start < 3; start++)
        {
            await using var exporter = await StartAsync();
            await BothKeptAsync(exporter);
            await exporter.KillAsync(Cancellation);
        }

        Assert.Equal((1, 1, 0), (Provider.ServiceAppToken.Requests, Provider.IntegrationToken.Requests, Provider.ApplicationToken.Requests));
    }

    [Fact]
    public async Task A_rejected_token_is_renewed_through_the_next_level()
    {
        Configure();
        await using (var first = await StartAsync())
        {
            await BothKeptAsync(first);
            await first.KillAsync(Cancellation);
        }
        Provider.ServiceApp.RevokeAll();

        await using var exporter = await StartAsync();
        await exporter.Says("reading succeeded", Cancellation);

        Assert.Contains("trying the personal access token", exporter.Log, StringComparison.Ordinal);
        Assert.Equal(1, Provider.ApplicationToken.Requests);
    }

    /// <summary>Waits for the first reading and for the personal token, and returns the page.</summary>
    private static async Task<string> BothKeptAsync(RunningExporter exporter)
    {
        await exporter.Shows("\nwebex_personal_token_expiry_timestamp_seconds ", Cancellation);
        return await exporter.Shows("exporter_up{source=\"webex\"} 1\n", Cancellation);
    }

    private IssuedTokens Configure()
    {
        var (service, integration) = (Provider.LoginServiceApp(), Provider.LoginIntegration());
        directory.Write("token-config.json", $$$"""
            {
              "serviceApp": {
                "appId": "{{{Provider.AppId}}}", "clientId": "{{{Provider.ClientId}}}",
                "clientSecret": "{{{Provider.ClientSecret}}}", "targetOrgId": "{{{Provider.OrgId}}}"
              },
              "tokenManager": {
                "personalAccessToken": "",
                "integration": {
                  "clientId": "{{{Provider.IntegrationClientId}}}", "clientSecret": "{{{Provider.IntegrationClientSecret}}}",
                  "refreshToken": "{{{integration.RefreshToken}}}"
                }
              }
            }
            """);
        directory.Write(".env", $"WEBEX_SERVICE_APP_ACCESS_TOKEN={service.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={service.RefreshToken}\n");
        return service;
    }

    private string Env(string name) => DotEnv.Find(File.ReadAllBytes(directory[".env"]), name)!;

    private Task<RunningExporter> StartAsync() => RunningExporter.StartAsync(
        ["--webex-api-url", sandbox.Address.OriginalString, "--webex-config-file", directory["token-config.json"], "--webex-token-file",
            directory[".env"], "-a", "127.0.0.1:0"], Cancellation);
}
