using Exporter.OAuth2;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.OAuth2;

public sealed class OAuth2OptionsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("authorization_endpoint: https://id.example/authorize", typeof(LoginMethod.Redirect))]
    [InlineData("device_authorization_endpoint: https://id.example/device", typeof(LoginMethod.Device))]
    [InlineData("scopes: [openid]", typeof(LoginMethod.Unattended))]
    public void The_configured_endpoint_selects_the_login_method(string line, Type login)
    {
        using var account = Open(line);

        Assert.IsType(login, account.Login);
        Assert.Null(account.ReadingSource);
        Assert.Null(account.Revoke);
    }

    [Fact]
    public void A_revocation_endpoint_enables_revocation_at_logout()
    {
        using var account = Open("revocation_endpoint: https://id.example/revoke");

        Assert.NotNull(account.Revoke);
    }

    [Theory]
    [InlineData(
        "    client_secret: s\n", "authorization_endpoint: https://a.example\n    device_authorization_endpoint: https://b.example",
        "remove one of the two")]
    [InlineData("    client_secret: s\n", "authentication: none", "remove the secret")]
    [InlineData("", "authentication: basic", "needs a client secret")]
    [InlineData("", "authentication: post", "needs a client secret")]
    [InlineData("", "authentication: mtls", "choose one of")]
    [InlineData("", "token_endpoin: https://id.example", "token_endpoint")]
    public void Contradictory_settings_are_reported_with_a_remedy(string secret, string line, string said)
    {
        var (_, problems) = Configured.Of(new OAuth2Source(), Yaml(secret, line), new Dictionary<string, string>(), directory);

        Assert.Contains(problems, p => p.Contains(said, StringComparison.Ordinal));
    }

    [Fact]
    public void Client_and_token_endpoint_are_required()
    {
        var (_, problems) = Configured.Of(
            new OAuth2Source(), "accounts:\n  a:\n    source: oauth2\n    token_file: t.json\n", new Dictionary<string, string>(), directory);

        Assert.Contains(problems, p => p.Contains("client id", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Contains("token endpoint", StringComparison.Ordinal));
    }

    private Account Open(string line)
    {
        var (accounts, problems) = Configured.Of(new OAuth2Source(), Yaml("", line), new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        return Assert.Single(accounts).Open(new TokenManagerOptions(), new ManualTime(), NullLoggerFactory.Instance);
    }

    private static string Yaml(string secret, string line) =>
        $"accounts:\n  a:\n    source: oauth2\n    token_file: t.json\n    client_id: app\n    token_endpoint: https://id.example/token\n{secret}  "
            + $"  {line}\n";
}
