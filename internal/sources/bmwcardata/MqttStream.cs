using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Exporter.BmwCarData;

/// <summary>
/// The TLS stream under MQTTnet's client. It bounds the memory that a server can make the client take: the client allocates the size that a
/// packet announces, and its queue of received messages has no bound. So this follows the fixed headers, ends the connection before the client
/// sees the last byte of a length that is too large, and reads no message for which there is no room.
/// </summary>
/// <param name="room">The client enters it for each message; release it when the message is taken.</param>
internal sealed class MqttStream(Stream network, uint maximumPacketSize, SemaphoreSlim room) : SslStream(network)
{
    private int headerBytes;
    private uint length;
    private uint left;
    private int messages;
    private long packets;

    /// <summary>How many packets began to come. Thread-safe.</summary>
    public long Packets => Interlocked.Read(ref packets);

    public static async Task<MqttStream> OpenAsync(MqttOptions options, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        // Small packets that don't wait for each other: an acknowledgement leaves at once.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? opened = null;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(options.Host, options.Port), cancellationToken);
            var stream = new MqttStream(new NetworkStream(socket, ownsSocket: true), options.MaximumPacketSize, room);
            opened = stream;
            await stream.AuthenticateAsClientAsync(options.Tls, cancellationToken);
            return stream;
        }
        catch
        {
            await (opened?.DisposeAsync() ?? default);
            socket.Dispose();
            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (; messages > 0; messages--)
        {
            await room.WaitAsync(cancellationToken);
        }
        var read = await base.ReadAsync(buffer, cancellationToken);
        Follow(buffer.Span[..read]);
        return read;
    }

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
                messages += next >> 4 == 3 ? 1 : 0; // PUBLISH
                Interlocked.Increment(ref packets);
                continue;
            }
            length |= (next & 0x7Fu) << (7 * (headerBytes - 2));
            if (next < 0x80)
            {
                if (headerBytes + length > maximumPacketSize)
                {
                    throw new InvalidDataException("[MQTT-3.1.2-24] a packet is longer than the maximum packet size");
                }
                (left, headerBytes) = (length, 0);
            }
            else if (headerBytes == 5)
            {
                throw new InvalidDataException("[MQTT 1.5.5] a remaining length has more than four bytes");
            }
        }
    }
}
