using System.Net.Sockets;
using System.Text.RegularExpressions;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>nginx with the configuration of <c>examples/cluster</c>, and with addresses of this machine.</summary>
internal sealed partial class Proxy(Peer process, Uri address) : IAsyncDisposable
{
    public Uri Address => address;

    /// <param name="replicas">Their ports.</param>
    public static async Task<Proxy> StartAsync(TemporaryDirectory directory, IReadOnlyList<int> replicas, CancellationToken cancellationToken)
    {
        var port = FreePort.Take();
        var example = await File.ReadAllTextAsync(Path.Combine(ShippedFiles.Examples, "cluster", "nginx.conf"), cancellationToken);
        var text = Listen().Replace(Resolver().Replace(example, "access_log off;"), $"listen 127.0.0.1:{port};");
        text = Server().Replace(text, server => $"server 127.0.0.1:{replicas[int.Parse(server.Groups[1].Value) - 1]}");
        Assert.DoesNotContain("exporter-", text, StringComparison.Ordinal);
        var file = directory.Write("nginx.conf", text);
        // One process, so that none is left when it is killed.
        var process = Peer.Start("nginx",
            ["-p", directory.Path, "-c", file, "-e", "stderr", "-g", $"daemon off; master_process off; pid {directory["nginx.pid"]};"]);
        await ListensAsync(port, cancellationToken);
        return new Proxy(process, new Uri($"http://127.0.0.1:{port}/"));
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private static async Task ListensAsync(int port, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port, cancellationToken);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }
        }
    }

    [GeneratedRegex(@"resolver .*;")]
    private static partial Regex Resolver();

    [GeneratedRegex(@"listen \d+;")]
    private static partial Regex Listen();

    [GeneratedRegex(@"server exporter-(\d):\d+ resolve")]
    private static partial Regex Server();
}
