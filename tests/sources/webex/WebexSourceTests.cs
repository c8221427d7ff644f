using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The source in the real program, with the stand-in.</summary>
public sealed class WebexSourceTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task The_program_reads_data_sources_and_shows_no_secret()
    {
        var (due, late) =
            (sandbox.Webex.DataSources.Add("https://voice.example.com/a-secret-path", lifetimeMinutes: 1),
            sandbox.Webex.DataSources.Add("https://archive.example.com", "moving"));
        var issued = sandbox.Webex.LoginServiceApp();
        directory.Write(".env", $"WEBEX_SERVICE_APP_ACCESS_TOKEN={issued.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={issued.RefreshToken}\n");
        await using var exporter = await RunningExporter.StartAsync(
        [
            "--webex-api-url", sandbox.Address.OriginalString, "--webex-app-id", sandbox.Webex.AppId, "--webex-client-id", sandbox.Webex.ClientId,
            "--webex-client-secret-file", directory.Write("secret", sandbox.Webex.ClientSecret), "--webex-target-org-id", sandbox.Webex.OrgId,
            "--webex-token-file", directory[".env"],
            "--webex-config-file", directory["token-config.json"], "--webex-extend-data-sources", "--webex-extend-only", late.Id, "--debug-handlers",
            "-a", "127.0.0.1:0",
        ], Cancellation);
        var page = await exporter.Shows("exporter_up{source=\"webex\"} 1\n", Cancellation);

        foreach (var line in new[]
        {
            "exporter_up{source=\"webex\"} 1",
            "exporter_token_state{source=\"webex\",state=\"active\"} 1",
            "webex_data_sources{status=\"active\"} 1",
            "webex_data_sources{status=\"disabled\"} 1",
            $"webex_data_source_active{{id=\"{due.Id}\"}} 1",
            $"webex_data_source_token_extensions_total{{id=\"{late.Id}\"}} 0",
            "webex_schemas 2",
            "webex_api_requests_total{code=\"200\",operation=\"list_data_sources\"} 1",
        })
        {
            Assert.Contains($"{line}\n", page);
        }
        Assert.Empty(await Promtool.Check(page, Cancellation));
        var debug = await exporter.Http.GetStringAsync("/debug/data", Cancellation);
        Assert.Contains("voice.example.com", debug);
        Assert.All(
            [issued.AccessToken, issued.RefreshToken, sandbox.Webex.ClientSecret, due.Nonce, due.JwsToken, late.Nonce, late.JwsToken,
                "a-secret-path"],
            secret => Assert.DoesNotContain(secret, page + debug + exporter.Log));
    }
}
