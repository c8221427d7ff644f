using System.Security.Cryptography;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>Sources that cannot be used with a shared store. No command starts with one, and nothing is written.</summary>
public sealed class RefusedTemplatesTests
{
    [Theory]
    [InlineData("webex", "config_file: webex.json")]
    [InlineData("ergani", "username: user\n    password: password")]
    [InlineData("ergani", "username: user\n    password: password\n    in_memory: true")]
    [InlineData("ergani", "username: user\n    password: password\n    token_file: token.json")]
    public async Task A_source_that_stores_its_tokens_itself_is_refused_in_one_sentence(string source, string settings)
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
            Assert.Equal($"accounts.work: the source {source} stores its tokens itself; "
                + "run this account in an exporter of its own, and remove it here\n", error);
        }
        Assert.Equal(before, directory.Names);
    }
}
