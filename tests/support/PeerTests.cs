using System.Text;
using Xunit;

namespace Exporter.Tests.Support;

public class PeerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Disposing_kills_the_peer_and_its_children()
    {
        var peer = Peer.Start("sh", "-c", "sleep 1000 & echo child $!; wait");
        var child = int.Parse((await peer.Says("child", Cancellation)).Split(' ')[1]);
        var parent = peer.ProcessId;

        await peer.DisposeAsync();

        Assert.All([parent, child], id => Assert.True(SpinWait.SpinUntil(() => IsGone(id), TimeSpan.FromSeconds(10))));
    }

    [Fact]
    public async Task Disposing_kills_a_child_that_outlives_its_peer()
    {
        var peer = Peer.Start("sh", "-c", "sleep 1000 & echo child $!");
        var child = int.Parse((await peer.Says("child", Cancellation)).Split(' ')[1]);

        await peer.DisposeAsync();

        Assert.True(SpinWait.SpinUntil(() => IsGone(child), TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task The_output_and_the_exit_of_a_peer_are_reported()
    {
        var environment = new Dictionary<string, string> { ["GREETING"] = "hello" };
        await using var peer = Peer.Start("sh", ["-c", "echo $GREETING; echo oh >&2; exit 3"], environment);

        Assert.Equal(3, await peer.Ends(Cancellation));
        Assert.Equal(["hello", "oh"], peer.Output.Split('\n').Order());
        await Assert.ThrowsAsync<InvalidOperationException>(() => peer.Says("ready", Cancellation));
    }

    [Fact]
    public async Task A_signal_is_delivered()
    {
        await using var peer = Peer.Start("sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; sleep 1000 & wait");
        await peer.Says("ready", Cancellation);

        await peer.Signal("TERM", Cancellation);

        await peer.Says("caught", Cancellation);
    }

    [Fact]
    public async Task A_run_passes_input_and_returns_output()
    {
        var (exitCode, output, error) = await Peer.Run("cat", [], Encoding.UTF8.GetBytes("grüezi"), Cancellation);

        Assert.Equal((0, "grüezi", ""), (exitCode, Encoding.UTF8.GetString(output), error));
    }

    // A killed child that its new parent has not waited for is a zombie, and no longer runs.
    private static bool IsGone(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat").Split(") ")[^1][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}
