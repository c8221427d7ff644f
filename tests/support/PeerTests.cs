using System.Text;
using Xunit;

namespace Exporter.Tests.Support;

public class PeerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_peer_and_its_children_are_gone_when_it_is_disposed_of()
    {
        var peer = Peer.Start("sh", "-c", "sleep 1000 & echo child $!; wait");
        var child = int.Parse((await peer.Says("child", Cancellation)).Split(' ')[1]);
        var parent = peer.ProcessId;

        await peer.DisposeAsync();

        Assert.All([parent, child], id => Assert.True(SpinWait.SpinUntil(() => IsGone(id), TimeSpan.FromSeconds(10))));
    }

    [Fact]
    public async Task A_child_that_outlives_its_peer_is_gone_too()
    {
        var peer = Peer.Start("sh", "-c", "sleep 1000 & echo child $!");
        var child = int.Parse((await peer.Says("child", Cancellation)).Split(' ')[1]);

        await peer.DisposeAsync();

        Assert.True(SpinWait.SpinUntil(() => IsGone(child), TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task What_a_peer_says_is_kept_and_its_end_is_noticed()
    {
        await using var peer = Peer.Start("sh", ["-c", "echo $GREETING; echo oh >&2; exit 3"], new Dictionary<string, string> { ["GREETING"] = "hello" });

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
    public async Task A_run_gives_input_and_takes_output()
    {
        var (exitCode, output, error) = await Peer.Run("cat", [], Encoding.UTF8.GetBytes("grüezi"), Cancellation);

        Assert.Equal((0, "grüezi", ""), (exitCode, Encoding.UTF8.GetString(output), error));
    }

    // A killed child whose new parent has not yet taken note of it is a zombie: it runs no more.
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
