using System.Net;
using System.Net.Sockets;

namespace Exporter.Tests.Support;

/// <summary>
/// Ports of 127.0.0.1 for peers that cannot choose a free port. They are below the kernel's range of ephemeral ports and each is returned
/// once, so that no other process takes one before its peer does. Test processes that run together start at different ports.
/// </summary>
internal static class FreePort
{
    private const int First = 20_000;
    private const int Count = 8_000;

    private static int given = Random.Shared.Next(Count);

    public static int Take()
    {
        while (true)
        {
            var port = First + Interlocked.Increment(ref given) % Count;
            if (IsFree(IPAddress.Loopback, port) && IsFree(IPAddress.IPv6Loopback, port))
            {
                return port;
            }
        }
    }

    private static bool IsFree(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode != SocketError.AddressAlreadyInUse;
        }
    }
}
