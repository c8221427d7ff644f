using System.Threading.Channels;

namespace Exporter.Mqtt;

/// <summary>
/// Messages between the network and their reader: as many as Receive Maximum says, then the network waits. A server that sends more than
/// that unacknowledged breaks [MQTT-3.3.4-9]. It is made to wait and is not left with 0x93 (3.3.4): mosquitto 2.0 does it whenever it is
/// busy, and waiting bounds memory just as well.
/// </summary>
internal sealed class Inbox(ushort receiveMaximum, TimeProvider time)
{
    private readonly Channel<Packet.Publish> messages = Channel.CreateBounded<Packet.Publish>(
        new BoundedChannelOptions(receiveMaximum) { SingleReader = true, SingleWriter = true });

    private long openedAt = time.GetTimestamp();
    private bool full;

    public IAsyncEnumerable<Packet.Publish> ReadAllAsync(CancellationToken cancellation) => messages.Reader.ReadAllAsync(cancellation);

    /// <exception cref="MqttProtocolException">It must not have been sent.</exception>
    public ValueTask AddAsync(Packet.Publish publish, CancellationToken cancellation) => publish.Message.QoS switch
    {
        QoS.ExactlyOnce => throw MqttProtocolException.Error("[MQTT-3.8.4-8] a message came at QoS 2, and no more than QoS 1 was asked for"),
        _ => messages.Writer.TryWrite(publish) ? default : WaitAsync(publish, cancellation),
    };

    /// <summary>How long the network has been read without a break since a moment; zero while it waits.</summary>
    public TimeSpan TimeOpenSince(long moment) =>
        Volatile.Read(ref full) ? TimeSpan.Zero : time.GetElapsedTime(Math.Max(moment, Volatile.Read(ref openedAt)));

    /// <summary>What is in it can still be read.</summary>
    public void Close() => messages.Writer.TryComplete();

    private async ValueTask WaitAsync(Packet.Publish publish, CancellationToken cancellation)
    {
        Volatile.Write(ref full, true);
        await messages.Writer.WriteAsync(publish, cancellation);
        Volatile.Write(ref openedAt, time.GetTimestamp());
        Volatile.Write(ref full, false);
    }
}
