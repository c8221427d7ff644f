using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Channel;

namespace Exporter.BmwCarData;

/// <summary>
/// The bytes under MQTTnet: TCP, with TLS if the options ask for it. MQTTnet allocates the size that a packet announces, so this follows the
/// fixed headers and ends the connection before MQTTnet sees the last byte of a length that is too large.
/// </summary>
internal sealed class MqttChannel(Stream stream, uint maximumPacketSize) : IMqttChannel
{
    private int headerBytes;
    private uint length;
    private uint left;

    public EndPoint? RemoteEndPoint => null;

    public EndPoint? LocalEndPoint => null;

    public X509Certificate2? ClientCertificate => null;

    public bool IsSecureConnection => stream is SslStream;

    public static async Task<Stream> OpenAsync(MqttOptions options, CancellationToken cancellationToken)
    {
        // Small packets that don't wait for each other: an acknowledgement leaves at once.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream stream = Stream.Null;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(options.Host, options.Port), cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Tls is { } tls)
            {
                var secured = new SslStream(stream);
                stream = secured;
                await secured.AuthenticateAsClientAsync(tls, cancellationToken);
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

    /// <summary>A sentence about why there is no connection.</summary>
    public static string Explain(Exception failure, string endpoint) => failure switch
    {
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"{endpoint} cannot be found: the name is not resolved",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => $"{endpoint} refuses the connection: nothing listens there",
        SocketException { SocketErrorCode: SocketError.ConnectionReset } => $"{endpoint} broke the connection off",
        SocketException e => $"{endpoint} cannot be reached: {e.Message}",
        AuthenticationException { InnerException: { } inner } => $"no TLS with {endpoint}: {inner.Message}",
        AuthenticationException e => $"no TLS with {endpoint}: {e.Message}",
        { InnerException: { } inner } => Explain(inner, endpoint),
        _ => $"the connection to {endpoint} failed: {failure.Message}",
    };

    public Task ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task DisconnectAsync(CancellationToken cancellationToken) => await stream.DisposeAsync();

    public async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        var read = await stream.ReadAsync(buffer.AsMemory(offset, count), cancellationToken);
        Follow(buffer.AsSpan(offset, read));
        return read;
    }

    public async Task WriteAsync(ReadOnlySequence<byte> buffer, bool isEndOfPacket, CancellationToken cancellationToken)
    {
        foreach (var segment in buffer)
        {
            await stream.WriteAsync(segment, cancellationToken);
        }
    }

    public void Dispose() => stream.Dispose();

    /// <summary>MQTT 5, 2.1.1: a byte for the type, a length of up to four bytes with seven bits each, and a body of that length.</summary>
    private void Follow(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (left > 0)
            {
                var body = (int)Math.Min(left, (uint)bytes.Length);
                left -= (uint)body;
                bytes = bytes[body..];
                continue;
            }
            var next = bytes[0];
            bytes = bytes[1..];
            if (headerBytes++ == 0)
            {
                length = 0;
                continue;
            }
            length |= (next & 0x7Fu) << (7 * (headerBytes - 2));
            if (next < 0x80)
            {
                if (headerBytes + length > maximumPacketSize)
                {
                    throw new MqttProtocolException(ReasonCode.PacketTooLarge, "[MQTT-3.1.2-24] a packet is longer than the maximum packet size");
                }
                (left, headerBytes) = (length, 0);
            }
            else if (headerBytes == 5)
            {
                throw MqttProtocolException.Malformed("[MQTT 1.5.5] a remaining length has more than four bytes");
            }
        }
    }
}
