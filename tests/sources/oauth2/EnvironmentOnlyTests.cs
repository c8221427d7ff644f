using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.OAuth2;

/// <summary>The real program, configured as in Docker by variables alone, with a third-party authorization server.</summary>
[Trait("Suite", "slow")]
public sealed class EnvironmentOnlyTests : IDisposable
{
    private const string Prefix = "EXPORTER_ACCOUNTS__API__";

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Variables_alone_start_an_account_with_client_credentials_and_discovery()
    {
        await using var provider = await OidcProvider.StartAsync();
        var environment = Variables(provider.Issuer);

        await using var exporter = await RunningExporter.StartAsync(["--addr", "127.0.0.1:0"], environment, directory.Path, Cancellation);
        await exporter.Shows("exporter_token_state{account=\"api\",source=\"oauth2\",state=\"active\"} 1", Cancellation);
        var page = await exporter.Http.GetStringAsync("/", Cancellation);

        var file = JsonMembers.Parse(await File.ReadAllBytesAsync(directory["api-token.json"], Cancellation));
        Assert.Equal("https://api.example", Jwt.Claims(new Secret(file.Text("access_token")!))!.Text("aud"));
        Assert.Contains("The exporter logs in with the client ID and the client secret.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("auth?account=api", page, StringComparison.Ordinal);
        Assert.DoesNotContain("a secret of a machine", exporter.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_check_accepts_the_variables_and_warns_about_a_password()
    {
        var environment = Variables(new Uri("https://id.example"));
        environment[Prefix + "GRANT"] = "password";
        environment[Prefix + "USERNAME"] = "ann";
        environment[Prefix + "PASSWORD"] = "t0ps3cret";

        await using var check = Peer.Start(RunningExporter.Binary, ["check"], environment, directory.Path);
        await check.Says("The configuration is valid: api (oauth2).", Cancellation);

        Assert.Equal(0, await check.Ends(Cancellation));
        Assert.Contains($"warning: {Prefix}GRANT: the exporter sends the user's password", check.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("t0ps3cret", check.Output, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Variables(Uri issuer) => new()
    {
        [Prefix + "SOURCE"] = "oauth2",
        [Prefix + "GRANT"] = "client_credentials",
        [Prefix + "CLIENT_ID"] = "machine",
        [Prefix + "CLIENT_SECRET"] = "a secret of a machine",
        [Prefix + "ISSUER"] = issuer.OriginalString,
        [Prefix + "SCOPES"] = "read",
        [Prefix + "TOKEN_PARAMETERS__RESOURCE"] = "https://api.example",
        [Prefix + "TOKEN_FILE"] = directory["api-token.json"],
    };
}
