using System.Text.Json;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Exporter.Tokens;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class StatusCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_account_is_a_row_and_a_missing_login_is_exit_code_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(1, await StatusAsync(bench));

        var lines = bench.Output.Split('\n');
        Assert.Equal(["account", "source", "state", "summary", "token expires", "next renewal"], Cells(lines[0]));
        Assert.Equal(["home", "netatmo", "active", "OK", "in 3 hours", "in 3 hours"], Cells(lines[1]));
        Assert.Equal(["car", "bmw-cardata", "missing", "Login needed", "–", "–"], Cells(lines[2]));
        Assert.Equal(
        [
            "", $"home: token in {bench["home.json"]}", $"car: token in {bench["car.json"]}",
            $"From the token file; no exporter responds at http://{bench.Address}.", "",
        ], lines[3..]);
    }

    [Fact]
    public async Task The_JSON_contains_the_same_data()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();

        Assert.Equal(0, await StatusAsync(bench, "--json"));

        using var json = JsonDocument.Parse(bench.Output);
        var home = json.RootElement[0];
        Assert.Equal("home", home.GetProperty("account").GetString());
        Assert.Equal("netatmo", home.GetProperty("source").GetString());
        Assert.Equal("active", home.GetProperty("state").GetString());
        Assert.False(home.GetProperty("login_required").GetBoolean());
        Assert.Equal(bench.Time.GetUtcNow().AddHours(3), home.GetProperty("access_token_ends").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, home.GetProperty("refresh_token_ends").ValueKind);
        Assert.True(home.GetProperty("next_renewal").GetDateTimeOffset() < bench.Time.GetUtcNow().AddHours(3));
        Assert.Equal(bench["home.json"], home.GetProperty("store").GetString());
        Assert.Equal("file", home.GetProperty("origin").GetString());
        Assert.EndsWith("Z", home.GetProperty("access_token_ends").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_sends_no_request_to_the_provider_and_prints_no_secret()
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome(left: TimeSpan.FromSeconds(-1));

        await StatusAsync(bench);
        await StatusAsync(bench, "--json");

        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        Assert.DoesNotContain(issued.AccessToken, bench.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(issued.RefreshToken, bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_token_that_another_command_found_is_a_lost_login_until_the_next_login()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        Assert.Equal(1, await bench.RunAsync("refresh", "home"));

        Assert.Equal(1, await StatusAsync(bench));

        Assert.Equal(["home", "netatmo", "lost", "Login needed", "in 3 hours", "–"], Cells(bench.Output.Split('\n')[1]));
        Assert.Contains("home: the refresh token is no longer accepted (HTTP 400, invalid_grant", bench.Output, StringComparison.Ordinal);
        Assert.Contains(
            $"home: from the token file and the record beside it; no exporter responds at http://{bench.Address}.\n"
            + $"car: from the token file; no exporter responds at http://{bench.Address}.\n", bench.Output, StringComparison.Ordinal);
        bench.LogInHome();
        Assert.Equal(0, await StatusAsync(bench));
    }

    [Fact]
    public async Task A_wrong_client_secret_is_exit_code_1_with_the_reason()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Respond(400, """{"error":"invalid_client"}"""), 1);
        Assert.Equal(1, await bench.RunAsync("refresh", "home"));
        var before = bench.Output.Length;

        Assert.Equal(1, await StatusAsync(bench, "--json"));

        using var json = JsonDocument.Parse(bench.Output[before..]);
        var home = json.RootElement[0];
        Assert.Equal(("refused", "problem", false), (Text(home, "state"), Text(home, "condition"), home.GetProperty("login_required").GetBoolean()));
        Assert.Contains("the client id or the client secret is not accepted", Text(home, "last_error"), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, home.GetProperty("next_renewal").ValueKind);
    }

    [Fact]
    public async Task An_expired_token_that_cannot_be_renewed_is_exit_code_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar();
        bench.Write("home.json", """{"access_token":"a","expiry":"2026-11-21T11:00:00Z"}""");

        Assert.Equal(1, await StatusAsync(bench));

        Assert.Equal(["home", "netatmo", "lost", "Login needed", "60 minutes ago", "–"], Cells(bench.Output.Split('\n')[1]));
        Assert.Contains("home: the access token expired at 2026-11-21 11:00:00Z and cannot be renewed\n", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_cannot_be_read_is_exit_code_2_and_a_missing_login_of_another_account_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar();
        File.CreateSymbolicLink(bench["home.json"], "home.json");

        Assert.Equal(2, await StatusAsync(bench));
        Assert.Contains($"home: {bench["home.json"]} cannot be read: ", bench.Output, StringComparison.Ordinal);

        File.Delete(bench["car.json"]);
        Assert.Equal(1, await StatusAsync(bench));
    }

    [Fact]
    public async Task It_shows_what_the_running_exporter_has_seen()
    {
        await using var exporter = await LostAsync();
        await using var bench = await CommandBench.StartAsync();
        // So that only the exporter can be the origin.
        File.Delete(exporter.DirectoryPath["token.json.status"]);

        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address));
        Assert.Equal(["netatmo", "netatmo", "lost", "Login needed", "in 3 hours", "in 60 seconds"], Cells(bench.Output.Split('\n')[1]));
        Assert.Contains("netatmo: the refresh token is no longer accepted (HTTP 400, invalid_grant", bench.Output, StringComparison.Ordinal);
        Assert.EndsWith($"\nFrom the running exporter at {Origin(exporter.Address)}.\n", bench.Output, StringComparison.Ordinal);

        var before = bench.Output.Length;
        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address, "--json"));
        using var json = JsonDocument.Parse(bench.Output[before..]);
        Assert.Equal(("exporter", "lost"), (Text(json.RootElement[0], "origin"), Text(json.RootElement[0], "state")));
        Assert.True(json.RootElement[0].GetProperty("login_required").GetBoolean());
        Assert.Equal("", bench.Error);
    }

    [Fact]
    public async Task It_finds_the_exporter_at_its_admin_address()
    {
        await using var exporter = await LostAsync(flags: [("--web.admin-address", "127.0.0.1:0")]);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await StatusAsync(bench, exporter, new Uri($"http://{bench.Address}"), "--web.admin-address", exporter.Address.Authority));

        Assert.Contains($"From the running exporter at {Origin(exporter.Address)}.", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_TLS_it_trusts_only_the_configured_certificate_and_needs_no_key()
    {
        using var authority = new Authority();
        using var directory = new TemporaryDirectory();
        authority.Write(directory);
        var file = directory.Write("web.yml", $"tls_server_config: {{cert_file: {directory["server.pem"]}, key_file: {directory["server.key"]}}}\n");
        await using var exporter = await LostAsync(flags: [("--web.config.file", file)]);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address, "--web.config.file", file));
        Assert.Contains($"From the running exporter at {Origin(exporter.Address)}.", bench.Output, StringComparison.Ordinal);

        File.Copy(directory["server.pem"], directory["copy.pem"]);
        var withoutKey = directory.Write("key.yml", $"tls_server_config: {{cert_file: {directory["copy.pem"]}, key_file: {directory["unreadable.key"]}}}\n");
        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address, "--web.config.file", withoutKey, "--json"));
        Assert.EndsWith("\"origin\": \"exporter\"\n  }\n]\n", bench.Output, StringComparison.Ordinal);
        Assert.Equal("", bench.Error);

        var (certificate, key) = authority.Server("other");
        directory.Write("server.pem", certificate);
        directory.Write("server.key", key);
        await using var stranger = await WebBench.StartAsync([("--web.config.file", file)]);
        Assert.Equal(1, await StatusAsync(bench, exporter, stranger.Address, "--web.config.file", withoutKey));
        Assert.EndsWith(
            $"\nFrom the token file and the record beside it; the program at {Origin(stranger.Address)} does not present the configured certificate.\n",
            bench.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "requires a password")]
    [InlineData(false, "returned 429")]
    public async Task An_exporter_that_rejects_it_is_named_and_the_record_beside_the_token_is_used(bool withUsers, string reason)
    {
        var users = $"basic_auth_users:\n  bob: {Bcrypt.Hash("secret")}\n";
        await using var exporter = await LostAsync(withUsers ? users : "rate_limit: {interval: 1h, burst: 1}\n");
        await exporter.Get("/healthz");
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address));

        Assert.Contains("netatmo: the refresh token is no longer accepted (HTTP 400, invalid_grant", bench.Output, StringComparison.Ordinal);
        Assert.EndsWith(
            $"\nFrom the token file and the record beside it; the exporter at {Origin(exporter.Address)} {reason}.\n", bench.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exporter_that_requires_a_client_certificate_is_named_and_the_record_is_used()
    {
        using var authority = new Authority();
        using var directory = new TemporaryDirectory();
        authority.Write(directory);
        directory.Write("ca.pem", authority.Pem);
        var file = directory.Write("web.yml", $"""
            tls_server_config:
              cert_file: {directory["server.pem"]}
              key_file: {directory["server.key"]}
              client_auth_type: RequireAndVerifyClientCert
              client_ca_file: {directory["ca.pem"]}
            """);
        await using var exporter = await LostAsync(flags: [("--web.config.file", file)]);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address, "--web.config.file", file));

        Assert.EndsWith(
            $"\nFrom the token file and the record beside it; the exporter at {Origin(exporter.Address)} requires a client certificate.\n",
            bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exporter_with_other_accounts_and_another_program_are_not_believed()
    {
        await using var exporter = await LostAsync();
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();

        Assert.Equal(0, await bench.RunAsync("status", "--addr", exporter.Address.Authority));
        Assert.Contains(
            $"From the token file; the exporter at {Origin(exporter.Address)} does not have this account with this token file.", bench.Output,
            StringComparison.Ordinal);

        Assert.Equal(0, await bench.RunAsync("status", "--addr", bench.Sandbox.Address.Authority));
        Assert.Contains($"From the token file; the program at {Origin(bench.Sandbox.Address)} has no /api/status.", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_record_of_another_process_is_newer_than_an_exporter_that_has_not_tried()
    {
        await using var exporter = await WebBench.StartAsync(loggedIn: true);
        await using var bench = await CommandBench.StartAsync();
        exporter.Sandbox.Netatmo.Authorization.RevokeAll();
        Assert.Equal(1, await RunAsync(bench, exporter, "refresh"));

        Assert.Equal(1, await StatusAsync(bench, exporter, exporter.Address));

        Assert.EndsWith(
            $"\nFrom the token file and the record beside it; the exporter at {Origin(exporter.Address)} has not tried to renew this token yet.\n",
            bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_who_cannot_read_the_token_gets_the_state_from_the_exporter()
    {
        await using var exporter = await WebBench.StartAsync(loggedIn: true);
        await using var bench = await CommandBench.StartAsync();
        File.Delete(exporter.DirectoryPath["token.json"]);
        File.CreateSymbolicLink(exporter.DirectoryPath["token.json"], "token.json");

        Assert.Equal(0, await StatusAsync(bench, exporter, exporter.Address));
        Assert.Equal("active", Cells(bench.Output.Split('\n')[1])[2]);
        Assert.Equal("", bench.Error);

        Assert.Equal(2, await StatusAsync(bench, exporter, new Uri($"http://{bench.Address}")));
    }

    /// <summary>An exporter whose token was revoked, and that has seen it.</summary>
    private static async Task<WebBench> LostAsync(string? webConfig = null, IEnumerable<(string, string)>? flags = null)
    {
        var exporter = await WebBench.StartAsync(flags, webConfig: webConfig, loggedIn: true);
        exporter.Sandbox.Netatmo.Authorization.RevokeAll();
        Assert.IsType<TokenState.Lost>((await exporter.Account.TokenManager.RenewAsync(null, Cancellation)).State);
        return exporter;
    }

    private static Task<int> StatusAsync(CommandBench bench, params string[] more) =>
        bench.RunAsync(["status", "--addr", bench.Address, .. more]);

    private static Task<int> StatusAsync(CommandBench bench, WebBench exporter, Uri address, params string[] more) =>
        RunAsync(bench, exporter, ["status", "--addr", address.Authority, .. more]);

    /// <summary>Runs a command with the same account as the exporter.</summary>
    private static Task<int> RunAsync(CommandBench bench, WebBench exporter, params string[] arguments) =>
        bench.RunWithoutConfigurationAsync([], Cancellation,
        [
            .. arguments, "--api-url", exporter.Sandbox.Address.OriginalString, "--client-id", exporter.Sandbox.Netatmo.ClientId,
            "--client-secret", exporter.Sandbox.Netatmo.ClientSecret, "--token-file", exporter.DirectoryPath["token.json"],
        ]);

    private static string Origin(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString()!;

    private static string[] Cells(string line) => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
