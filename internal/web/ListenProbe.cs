using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Exporter.Web;

/// <summary>
/// Binds the addresses once before the program opens any account: the process that has a port may have the same accounts. Other errors are left
/// to the server.
/// </summary>
public static class ListenProbe
{
    /// <exception cref="SocketException">Another process listens on one of the addresses, or a name has no address.</exception>
    public static void Run(WebOptions options)
    {
        var addresses = options.Listen.Append(options.Admin).OfType<ListenAddress>().Where(address => address.Port != 0);
        foreach (var endPoint in addresses.SelectMany(EndPoints))
        {
            try
            {
                using var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
            }
            catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
            }
        }
    }

    private static IEnumerable<IPEndPoint> EndPoints(ListenAddress address) => address switch
    {
        { IsAny: true } => [new(IPAddress.IPv6Any, address.Port), new(IPAddress.Any, address.Port)],
        { Host: "localhost" } => [new(IPAddress.Loopback, address.Port), new(IPAddress.IPv6Loopback, address.Port)],
        _ => [new(address.Resolve(), address.Port)],
    };
}
