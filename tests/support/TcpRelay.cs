using System.Net;
using System.Net.Sockets;

namespace Exporter.Tests.Support;

/// <summary>A network between a client and a server on this machine, which can stop carrying anything, in both directions.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closing = new();
    private readonly Task accepting;
    private volatile TaskCompletionSource open = Opened();

    /// <param name="target">The server's port on loopback.</param>
    public TcpRelay(int target)
    {
        listener.Start();
        accepting = AcceptAsync(target);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Carries nothing until <see cref="Join"/>. Connections stay open, as when a cable is pulled.</summary>
    public void Cut() => open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Join() => open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        listener.Stop();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closing.Dispose();
    }

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }

    private async Task AcceptAsync(int target)
    {
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync(closing.Token);
            _ = CarryAsync(client, target);
        }
    }

    private async Task CarryAsync(TcpClient client, int target)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await open.Task.WaitAsync(closing.Token);
                await server.ConnectAsync(IPAddress.Loopback, target, closing.Token);
                await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // The connection ends.
            }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, closing.Token) is > 0 and var length)
            {
                await open.Task.WaitAsync(closing.Token);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, length), closing.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or InvalidOperationException)
        {
            // The connection ends.
        }
    }
}
