using System.Security.Cryptography;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>Accounts that cannot be used with a shared store. No command starts with one, and nothing is written.</summary>
public sealed class RefusedTemplatesTests
{
    private const string Recorded = "its logins are recorded in a file";
    private const string Rejected = "a password that the server rejects is recorded in a file";
    private const string Password = "client_id: client\n    username: user\n    password: password";

    [Theory]
    [InlineData("webex", "config_file: webex.json", "Webex needs several tokens")]
    [InlineData("ergani", "username: user\n    password: password", Recorded)]
    [InlineData("ergani", "username: user\n    password: password\n    in_memory: true", Recorded)]
    [InlineData("ergani", "username: user\n    password: password\n    token_file: token.json", Recorded)]
    [InlineData("oauth2", $"grant: password\n    {Password}\n    token_endpoint: https://login.example.org/token", Rejected)]
    [InlineData("http", "module: github\n    settings:\n      token: token", "its credential is in the configuration")]
    public async Task An_account_that_needs_more_than_a_row_is_refused_in_one_sentence(string source, string settings, string reason)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("keys", $"first {Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}\n");
        directory.Write("webex.json", """{"serviceApp":{"appId":"app","targetOrgId":"org","clientId":"client","clientSecret":"secret"}}""");
        directory.Write("exporter.yml", $"""
            store: postgres://exporter@127.0.0.1:1/exporter
            store_key_file: keys
            state_folder: state
            accounts:
              work:
                source: {source}
                {settings}
            """);
        var before = directory.Names;

        foreach (var command in new[] { "check", "serve" })
        {
            var (code, output, error) = await Peer.Run(
                Replica.Binary, [command, "--config", directory["exporter.yml"]], default, TestContext.Current.CancellationToken);

            Assert.Equal((1, 0), (code, output.Length));
            Assert.Equal($"accounts.work: a shared store cannot keep such accounts, because {reason}; "
                + "run this one in an exporter of its own, and remove it here\n", error);
        }
        Assert.Equal(before, directory.Names);
    }
}
