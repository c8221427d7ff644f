using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>
/// Each of the five predecessors can be replaced with only its own files, variables and flags. The files keep their format, so that users can
/// go back.
/// </summary>
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
    public async Task The_token_file_variables_and_flags_of_netatmo_exporter_work()
    {
        var issued = sandbox.Netatmo.Login("read_station");
        // Go's oauth2.Token with an expired access token. netatmo-exporter would discard this login.
        const string expiry = "2026-01-02T05:14:11.081821762+01:00";
        var file = directory.Write("netatmo-token.json", $$"""
            {"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","expiry":"{{expiry}}","expires_in":10800}

            """);
        string[] flags = ["--addr", "127.0.0.1:0", "--refresh-interval", "8m", "--age-stale", "1h", "--debug-handlers"];
        await using (var exporter = await RunningExporter.StartAsync(flags, new Dictionary<string, string>
        {
            ["NETATMO_EXPORTER_TOKEN_FILE"] = file,
            ["NETATMO_CLIENT_ID"] = sandbox.Netatmo.ClientId,
            ["NETATMO_CLIENT_SECRET"] = sandbox.Netatmo.ClientSecret,
            ["NETATMO_API_URL"] = sandbox.Address.OriginalString,
            ["NETATMO_LOG_LEVEL"] = "info",
        }, directory.Path, Cancellation))
        {
            var page = await exporter.Shows("netatmo_up 1\n", Cancellation);
            string[] expected =
            [
                "netatmo_up 1\n", "netatmo_refresh_interval_seconds 480\n", "netatmo_exporter_token_valid 1\n", "netatmo_sensor_temperature_celsius{",
            ];
            foreach (var series in expected)
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
    public async Task A_file_of_BmwTokenManager_is_renewed_by_its_flags_and_keeps_unknown_members()
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
        var environment = new Dictionary<string, string> { ["BMW_AUTH_URL"] = sandbox.Address.OriginalString };
        await using (var keep = Peer.Start(RunningExporter.Binary, ["keep", "-t", file, "-m", "120"], environment))
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
    public async Task The_directory_of_the_CarData_client_opens_the_stream_of_the_car()
    {
        var (broker, issued) = (sandbox.Bmw.Broker!, sandbox.Bmw.Login());
        // A JWT whose exp is in the past.
        const string expired = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjczNTE2MDB9.c2ln";
        directory.Write("bmw_tokens.json", $$"""
            {"access_token": {"token": "{{issued.AccessToken}}", "expires_at": "2026-01-02T12:00:00.123456", "type": "Bearer"},
             "refresh_token": {"token": "{{issued.RefreshToken}}", "expires_at": "2036-01-02T12:00:00.123456"},
             "id_token": {"token": "{{expired}}", "expires_at": "2026-01-02T12:00:00.123456"},
             "gcid": "{{sandbox.Bmw.Gcid}}", "scope": "cardata:streaming:read"}
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
        await using var exporter = await RunningExporter.StartAsync(
            ["--addr", "127.0.0.1:0"], new Dictionary<string, string>(), directory.Path, Cancellation);
        await exporter.Says("connected", Cancellation);

        await exporter.Shows("\nbmw_mqtt_connected 1\n", Cancellation);
        var after = JsonMembers.Parse(await File.ReadAllBytesAsync(directory["bmw_tokens.json"], Cancellation));
        Assert.Equal(["token", "expires_at", "type"], after.Inner("access_token")!.Names);
        Assert.NotEqual(expired, after.Inner("id_token")!.Text("token"));
    }

    [Fact]
    public async Task The_two_files_of_the_Webex_token_manager_are_enough()
    {
        var (provider, service, integration) = (sandbox.Webex, sandbox.Webex.LoginServiceApp(), sandbox.Webex.LoginIntegration());
        directory.Write("token-config.json", $$$"""
            {
              "serviceApp": {
                "appId": "{{{provider.AppId}}}",
                "clientId": "{{{provider.ClientId}}}",
                "clientSecret": "{{{provider.ClientSecret}}}",
                "targetOrgId": "{{{provider.OrgId}}}"
              },
              "tokenManager": {
                "personalAccessToken": "",
                "integration": {
                  "clientId": "{{{provider.IntegrationClientId}}}",
                  "clientSecret": "{{{provider.IntegrationClientSecret}}}",
                  "refreshToken": "{{{integration.RefreshToken}}}"
                }
              }
            }
            """);
        directory.Write(".env", $"""
            # of other programs
            OTHER=stays
            WEBEX_SERVICE_APP_ACCESS_TOKEN=expired
            WEBEX_SERVICE_APP_REFRESH_TOKEN={service.RefreshToken}

            """);
        string[] flags =
        [
            "--webex-api-url", sandbox.Address.OriginalString, "--webex-config-file", "token-config.json", "--webex-token-file", ".env",
            "--addr", "127.0.0.1:0",
        ];
        await using var exporter = await RunningExporter.StartAsync(flags, new Dictionary<string, string>(), directory.Path, Cancellation);
        await exporter.Says("first reading succeeded", Cancellation);

        await exporter.Shows("\nwebex_token_levels_left 3\n", Cancellation);
        var after = await File.ReadAllTextAsync(directory[".env"], Cancellation);
        Assert.StartsWith("# of other programs\nOTHER=stays\nWEBEX_SERVICE_APP_ACCESS_TOKEN=", after, StringComparison.Ordinal);
        Assert.DoesNotContain("=expired", after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_file_of_the_Ergani_package_is_found_and_no_password_is_sent()
    {
        var api = ErganiProvider.AddressAt(sandbox.Address);
        using var http = new HttpClient();
        using var credentials = new StringContent(
            $$"""{"Username":"{{sandbox.Ergani.Username}}","Password":"{{sandbox.Ergani.Password}}","Usertype":"01"}""",
            Encoding.UTF8, "application/json");
        using var login = await http.PostAsync(new Uri(api, "Authentication"), credentials, Cancellation);
        var issued = JsonMembers.Parse(await login.Content.ReadAsByteArrayAsync(Cancellation));
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{sandbox.Ergani.Username}-{sandbox.Ergani.Password}-TEST")));
        var tomorrow = TimeProvider.System.GetUtcNow().AddDays(1).ToUnixTimeSeconds();
        Directory.CreateDirectory(directory["cache"]);
        var legacy = directory.Write($"cache/{name}.json", $$"""
            {"token":{"accessToken":"{{issued.Text("accessToken")}}","accessTokenExpiresAt":1767000000,
             "refreshToken":"{{issued.Text("refreshToken")}}","refreshTokenExpiresAt":{{tomorrow}} } }
            """);
        var before = await File.ReadAllTextAsync(legacy, Cancellation);

        string[] flags = ["--ergani-token-folder", directory["cache"], "--addr", "127.0.0.1:0"];
        await using var exporter = await RunningExporter.StartAsync(flags, new Dictionary<string, string>
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
