using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Exporter.Mqtt;

/// <summary>TCP, with TLS on it where it is asked for.</summary>
internal static class Transport
{
    public static async Task<Stream> OpenAsync(MqttOptions options, CancellationToken cancellation)
    {
        // Small packets that nobody gathers: an acknowledgement is not to wait for the next.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream stream = Stream.Null;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(options.Host, options.Port), cancellation);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Tls is { } tls)
            {
                var secured = new SslStream(stream);
                stream = secured;
                await secured.AuthenticateAsClientAsync(tls, cancellation);
            }
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A sentence about why there is no connection, or no longer.</summary>
    public static string Explain(Exception failure, string endpoint) => failure switch
    {
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"{endpoint} cannot be found: the name is not resolved",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => $"{endpoint} refuses the connection: nothing listens there",
        SocketException { SocketErrorCode: SocketError.ConnectionReset } => $"{endpoint} broke the connection off",
        SocketException e => $"{endpoint} cannot be reached: {e.Message}",
        AuthenticationException { InnerException: { } inner } => $"no TLS with {endpoint}: {inner.Message}",
        AuthenticationException e => $"no TLS with {endpoint}: {e.Message}",
        IOException { InnerException: { } inner } => Explain(inner, endpoint),
        _ => $"the connection to {endpoint} failed: {failure.Message}",
    };
}
