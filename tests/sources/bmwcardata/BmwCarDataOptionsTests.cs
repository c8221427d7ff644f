using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public sealed class BmwCarDataOptionsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_variables_of_the_CarData_client_configure_an_account()
    {
        var (accounts, problems) = Read(null, new()
        {
            ["BMW_CLIENT_ID"] = "31C3B263-A9B7-4C8E-B123-456789ABCDEF",
            ["BMW_VIN"] = "wby00000000000017",
            ["BMW_MQTT_HOST"] = "mqtt.example",
            ["BMW_MQTT_PORT"] = "9001",
            ["BMW_TOKEN_FILE"] = "mine.json",
            ["MQTT_LOGGING"] = "on",
        });

        Assert.Empty(problems);
        Assert.Equal(("bmw-cardata", false), (Assert.Single(accounts).Name, accounts[0].HasAccountLabel));
    }

    [Fact]
    public void The_env_file_of_the_CarData_client_configures_an_account()
    {
        directory.Write(".env", "export BMW_CLIENT_ID=31c3b263-a9b7-4c8e-b123-456789abcdef\nBMW_VIN='WBY00000000000017'\n");

        var (accounts, problems) = Read(null, []);

        Assert.Empty(problems);
        Assert.Single(accounts);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("1")]
    [InlineData("yes")]
    [InlineData("on")]
    [InlineData("off")]
    public void MQTT_LOGGING_accepts_the_values_of_the_client(string value)
    {
        var environment = new Dictionary<string, string> { ["BMW_CLIENT_ID"] = "31c3b263-a9b7-4c8e-b123-456789abcdef", ["MQTT_LOGGING"] = value };

        Assert.Empty(Read(null, environment).Problems);
    }

    [Fact]
    public async Task The_token_file_of_the_client_is_the_default()
    {
        directory.Write("bmw_tokens.json", """
            {"refresh_token":{"token":"r-1","expires_at":"2026-12-01T10:00:00"},"gcid":"gcid-1","scope":"openid"}
            """);
        var (accounts, _) = Read(null, new() { ["BMW_CLIENT_ID"] = "31c3b263-a9b7-4c8e-b123-456789abcdef" });

        using var account = Assert.Single(accounts).Open(new TokenManagerOptions(), new ManualTime(), NullLoggerFactory.Instance);
        await account.TokenManager.LoadAsync(TestContext.Current.CancellationToken);

        Assert.Equal(directory["bmw_tokens.json"], account.TokenManager.StoreLocation);
        Assert.Equal("gcid-1", account.TokenManager.Snapshot.State.Token!.Members.Text("gcid"));
    }

    [Fact]
    public void A_token_file_is_enough_because_it_can_contain_the_client_ID()
    {
        var (accounts, problems) = Read("accounts:\n  car:\n    source: bmw-cardata\n    token_file: token.json\n", []);

        Assert.Empty(problems);
        Assert.True(Assert.Single(accounts).HasAccountLabel);
    }

    [Theory]
    [InlineData("client_id: abc", "client_id", "portal")]
    [InlineData("vin: ABC", "vin", "17 letters")]
    [InlineData("vin: [WBY00000000000017, WBY000000000000I7]", "vin", "17 letters")]
    [InlineData("mqtt_port: 0", "mqtt_port", "minimum")]
    [InlineData("mqtt_logging: perhaps", "mqtt_logging", "true nor false")]
    [InlineData("auth_url: example", "auth_url", "http")]
    [InlineData("api_url: example", "api_url", "http")]
    [InlineData("rest_daily_calls: 51", "rest_daily_calls", "maximum")]
    [InlineData("rest_daily_calls: 0", "rest_daily_calls", "minimum")]
    public void A_problem_is_reported_with_its_line_and_a_fix(string line, string key, string text)
    {
        var (_, problems) = Read($"accounts:\n  car:\n    source: bmw-cardata\n    {line}\n", []);

        var problem = Assert.Single(problems);
        Assert.Contains("exporter.yml:4", problem, StringComparison.Ordinal);
        Assert.Contains(key, problem, StringComparison.Ordinal);
        Assert.Contains(text, problem, StringComparison.Ordinal);
    }

    private (IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems) Read(string? yaml, Dictionary<string, string> environment) =>
        Configured.Of(new BmwCarDataSource(), yaml, environment, directory);
}
