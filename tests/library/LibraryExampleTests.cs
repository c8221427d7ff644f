using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Library;

/// <summary>Runs examples/library as in its README.</summary>
[Trait("Suite", "slow")]
public sealed class LibraryExampleTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_part_runs_against_the_sandbox_and_a_second_run_logs_in_only_for_memory()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        using var directory = new TemporaryDirectory();
        string[] expected =
        [
            "default: 3 kinds of submission", "direct: 3 services", "custom store: row tenant-7, generation 1",
            "injected: True", "by factory: 200", "state: Active", "fakes: 4 requests",
        ];

        Assert.Equal(expected, await RunAsync(sandbox, directory["tokens"]));
        // One login for the directory and one for the table. The injected services use the token in the directory.
        Assert.Equal(2, sandbox.Ergani.LogIn.Requests);

        Assert.Equal(expected, await RunAsync(sandbox, directory["tokens"]));
        Assert.Equal(3, sandbox.Ergani.LogIn.Requests);
    }

    private static async Task<string[]> RunAsync(SandboxServer sandbox, string directory)
    {
        var (code, output, error) = await Peer.Run(
            Path.Combine(AppContext.BaseDirectory, "library-example"), [sandbox.Address.OriginalString, directory], default, Cancellation);
        Assert.Equal((0, ""), (code, error));
        return System.Text.Encoding.UTF8.GetString(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
