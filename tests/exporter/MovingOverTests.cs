using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>From each of the five tools: its own files, variables and flags, and nothing else, are alive at once; and its files stay its own, so that the way back is open.</summary>
[Trait("Suite", "slow")]
public sealed class MovingOverTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => sandbox = await SandboxServer.StartAsync(
        new SandboxOptions { Providers = [new BmwProviderOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) }] }, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task Netatmo_exporters_token_file_variables_and_flags_go_on()
    {
        var issued = sandbox.Netatmo.Login("read_station");
        // Go's oauth2.Token, after a pause that was longer than the access token: netatmo-exporter would have thrown the login away.
        var file = directory.Write("netatmo-token.json", $$"""
            {"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","expiry":"2026-01-02T05:14:11.081821762+01:00","expires_in":10800}

            """);
        await using (var exporter = await RunningExporter.StartAsync(["--addr", "127.0.0.1:0", "--refresh-interval", "8m", "--age-stale", "1h", "--debug-handlers"], new Dictionary<string, string>
        {
            ["NETATMO_EXPORTER_TOKEN_FILE"] = file,
            ["NETATMO_CLIENT_ID"] = sandbox.Netatmo.ClientId,
            ["NETATMO_CLIENT_SECRET"] = sandbox.Netatmo.ClientSecret,
            ["NETATMO_API_URL"] = sandbox.Address.OriginalString,
            ["NETATMO_LOG_LEVEL"] = "info",
        }, directory.Path, Cancellation))
        {
            var page = await exporter.Shows("netatmo_up 1\n", Cancellation);
            foreach (var series in new[] { "netatmo_up 1\n", "netatmo_refresh_interval_seconds 480\n", "netatmo_exporter_token_valid 1\n", "netatmo_sensor_temperature_celsius{" })
            {
                Assert.Contains($"\n{series}", page, StringComparison.Ordinal);
            }
            Assert.Equal(0, await exporter.TerminateAsync(Cancellation));
        }

        var after = JsonMembers.Parse(await File.ReadAllBytesAsync(file, Cancellation));
        Assert.Equal(["access_token", "refresh_token", "expiry", "expires_in"], after.Names.Take(4));
        Assert.True(DateTimeOffset.Parse(after.Text("expiry")!, CultureInfo.InvariantCulture) > TimeProvider.System.GetUtcNow());
        Assert.Equal((1, 0), (sandbox.Netatmo.Authorization.Counters.Rotations, sandbox.Netatmo.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task BmwTokenManagers_file_is_kept_fresh_by_its_flags_with_all_that_is_foreign_in_it()
    {
        var file = directory.Write("token.json", $$"""
            {
                "access_token": "{{sandbox.Bmw.Login().AccessToken}}",
                "refresh_token": "{{sandbox.Bmw.Login().RefreshToken}}",
                "expires_in": 3599,
                "expires_at": 1767000000,
                "gcid": "{{sandbox.Bmw.Gcid}}",
                "vin": "WBY00000000000001",
                "client_id": "{{sandbox.Bmw.ClientId}}",
                "mine": [1, 2]
            }
            """);
        await using (var keep = Peer.Start(RunningExporter.Binary, ["keep", "-t", file, "-m", "120"], new Dictionary<string, string> { ["BMW_AUTH_URL"] = sandbox.Address.OriginalString }))
        {
            await keep.Says("[info] sleeping ", Cancellation);
            await keep.Signal("TERM", Cancellation);
            Assert.Equal(0, await keep.Ends(Cancellation));
        }

        var after = JsonMembers.Parse(await File.ReadAllBytesAsync(file, Cancellation));
        Assert.Equal(("WBY00000000000001", sandbox.Bmw.Gcid), (after.Text("vin"), after.Text("gcid")));
        Assert.Contains("    \"mine\": [1, 2]", await File.ReadAllTextAsync(file, Cancellation), StringComparison.Ordinal);
        Assert.True(long.Parse(after.Text("expires_at")!, CultureInfo.InvariantCulture) > TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
    }

    [Fact]
    public async Task The_CarData_clients_folder_opens_the_cars_stream()
    {
        var (broker, issued) = (sandbox.Bmw.Broker!, sandbox.Bmw.Login());
        // A JWT whose exp is in the past.
        const string ended = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjczNTE2MDB9.c2ln";
        directory.Write("bmw_tokens.json", $$"""
            {"access_token": {"token": "{{issued.AccessToken}}", "expires_at": "2026-01-02T12:00:00.123456", "type": "Bearer"},
             "refresh_token": {"token": "{{issued.RefreshToken}}", "expires_at": "2036-01-02T12:00:00.123456"},
             "id_token": {"token": "{{ended}}", "expires_at": "2026-01-02T12:00:00.123456"}, "gcid": "{{sandbox.Bmw.Gcid}}", "scope": "cardata:streaming:read"}
            """);
        directory.Write("broker.pem", broker.CertificatePem);
        directory.Write(".env", $"""
            export BMW_CLIENT_ID="{sandbox.Bmw.ClientId}"
            BMW_VIN={BmwProviderCar.Sample.Vin}
            BMW_MQTT_HOST={broker.EndPoint.Address}
            BMW_MQTT_PORT={broker.EndPoint.Port}
            BMW_TOKEN_FILE=bmw_tokens.json
            MQTT_LOGGING=false
            BMW_MQTT_CA_FILE=broker.pem
            BMW_AUTH_URL={sandbox.Address.OriginalString}

            """);
        await using var exporter = await RunningExporter.StartAsync(["--addr", "127.0.0.1:0"], new Dictionary<string, string>(), directory.Path, Cancellation);
        await exporter.Says("connected", Cancellation);

        await exporter.Shows("\nbmw_mqtt_connected 1\n", Cancellation);
        var after = JsonMembers.Parse(await File.ReadAllBytesAsync(directory["bmw_tokens.json"], Cancellation));
        Assert.Equal(["token", "expires_at", "type"], after.Inner("access_token")!.Names);
        Assert.NotEqual(ended, after.Inner("id_token")!.Text("token"));
    }

    [Fact]
    public async Task The_Webex_token_managers_two_files_are_enough()
    {
        var (provider, service, integration) = (sandbox.Webex, sandbox.Webex.LoginServiceApp(), sandbox.Webex.LoginIntegration());
        directory.Write("token-config.json", $$$"""
            {
              "serviceApp": {"appId": "{{{provider.AppId}}}", "clientId": "{{{provider.ClientId}}}", "clientSecret": "{{{provider.ClientSecret}}}", "targetOrgId": "{{{provider.OrgId}}}"},
              "tokenManager": {
                "personalAccessToken": "",
                "integration": {"clientId": "{{{provider.IntegrationClientId}}}", "clientSecret": "{{{provider.IntegrationClientSecret}}}", "refreshToken": "{{{integration.RefreshToken}}}"}
              }
            }
            """);
        directory.Write(".env", $"# the other programs'\nOTHER=stays\nWEBEX_SERVICE_APP_ACCESS_TOKEN=ended\nWEBEX_SERVICE_APP_REFRESH_TOKEN={service.RefreshToken}\n");
        await using var exporter = await RunningExporter.StartAsync(
            ["--webex-api-url", sandbox.Address.OriginalString, "--webex-config-file", "token-config.json", "--webex-token-file", ".env", "--addr", "127.0.0.1:0"],
            new Dictionary<string, string>(), directory.Path, Cancellation);
        await exporter.Says("reading succeeded", Cancellation);

        await exporter.Shows("\nwebex_token_levels_left 3\n", Cancellation);
        var after = await File.ReadAllTextAsync(directory[".env"], Cancellation);
        Assert.StartsWith("# the other programs'\nOTHER=stays\nWEBEX_SERVICE_APP_ACCESS_TOKEN=", after, StringComparison.Ordinal);
        Assert.DoesNotContain("=ended", after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_Ergani_packages_token_file_is_found_and_no_password_is_sent()
    {
        var api = ErganiProvider.AddressAt(sandbox.Address);
        using var http = new HttpClient();
        using var login = await http.PostAsync(
            new Uri(api, "Authentication"),
            new StringContent($$"""{"Username":"{{sandbox.Ergani.Username}}","Password":"{{sandbox.Ergani.Password}}","Usertype":"01"}""", Encoding.UTF8, "application/json"), Cancellation);
        var issued = JsonMembers.Parse(await login.Content.ReadAsByteArrayAsync(Cancellation));
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{sandbox.Ergani.Username}-{sandbox.Ergani.Password}-TEST")));
        var tomorrow = TimeProvider.System.GetUtcNow().AddDays(1).ToUnixTimeSeconds();
        Directory.CreateDirectory(directory["cache"]);
        var legacy = directory.Write($"cache/{name}.json", $$"""
            {"token":{"accessToken":"{{issued.Text("accessToken")}}","accessTokenExpiresAt":1767000000,"refreshToken":"{{issued.Text("refreshToken")}}","refreshTokenExpiresAt":{{tomorrow}} } }
            """);
        var before = await File.ReadAllTextAsync(legacy, Cancellation);

        await using var exporter = await RunningExporter.StartAsync(["--ergani-token-folder", directory["cache"], "--addr", "127.0.0.1:0"], new Dictionary<string, string>
        {
            ["ERGANI_USERNAME"] = sandbox.Ergani.Username,
            ["ERGANI_PASSWORD"] = sandbox.Ergani.Password,
            ["ERGANI_ENVIRONMENT"] = "test",
            ["ERGANI_API_URL"] = api.OriginalString,
        }, directory.Path, Cancellation);
        await exporter.Says("reading succeeded", Cancellation);

        Assert.Equal((1, 1), (sandbox.Ergani.LogIn.Requests, sandbox.Ergani.Refresh.Requests));
        Assert.Equal(before, await File.ReadAllTextAsync(legacy, Cancellation));
    }
}
