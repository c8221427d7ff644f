using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Exporter.BmwCarData;

/// <summary>
/// The TLS stream of MQTTnet's client. It bounds the client's memory, because the client allocates the length in a packet's header and queues
/// messages without limit. This stream parses the fixed headers. It closes the connection before the client reads a header with too large a
/// length, and it reads no message without a free slot.
/// </summary>
/// <param name="slots">The stream enters it for each message. Release it when the message is processed.</param>
internal sealed class MqttStream(Stream network, uint maximumPacketSize, SemaphoreSlim slots) : SslStream(network)
{
    private int headerBytes;
    private uint length;
    private uint remaining;
    private int messages;
    private long packets;

    /// <summary>The number of packets whose first byte has arrived. Thread-safe.</summary>
    public long Packets => Interlocked.Read(ref packets);

    public static async Task<MqttStream> OpenAsync(MqttOptions options, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        // Without delay, so that acknowledgements are sent at once.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? opened = null;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(options.Host, options.Port), cancellationToken);
            var stream = new MqttStream(new NetworkStream(socket, ownsSocket: true), options.MaximumPacketSize, slots);
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
            await slots.WaitAsync(cancellationToken);
        }
        var read = await base.ReadAsync(buffer, cancellationToken);
        ParseHeaders(buffer.Span[..read]);
        return read;
    }

    /// <summary>MQTT 5, 2.1.1: one byte for the type, a length of up to four bytes with seven bits each, and a body of that length.</summary>
    private void ParseHeaders(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (remaining > 0)
            {
                var body = (int)Math.Min(remaining, (uint)bytes.Length);
                remaining -= (uint)body;
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
                (remaining, headerBytes) = (length, 0);
            }
            else if (headerBytes == 5)
            {
                throw new InvalidDataException("[MQTT 1.5.5] a remaining length has more than four bytes");
            }
        }
    }
}
