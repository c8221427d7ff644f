using System.Threading.Channels;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Exporter.BmwCarData;

/// <summary>
/// The messages that wait for their reader. When it is full, the network waits: Debian's mosquitto ignores the Receive Maximum under load, and
/// this bounds memory just as well.
/// </summary>
internal sealed class MqttInbox(int receiveMaximum, TimeProvider time)
{
    private readonly Channel<MqttPublishPacket> messages = Channel.CreateBounded<MqttPublishPacket>(
        new BoundedChannelOptions(receiveMaximum) { SingleReader = true, SingleWriter = true });

    private long openedAt = time.GetTimestamp();
    private bool full;

    public IAsyncEnumerable<MqttPublishPacket> ReadAllAsync(CancellationToken cancellationToken) => messages.Reader.ReadAllAsync(cancellationToken);

    /// <exception cref="MqttProtocolException">The server wasn't allowed to send it.</exception>
    public ValueTask AddAsync(MqttPublishPacket publish, CancellationToken cancellationToken) => publish switch
    {
        { QualityOfServiceLevel: > MqttQualityOfServiceLevel.AtLeastOnce } =>
            throw MqttProtocolException.Error("[MQTT-3.8.4-8] a message came at QoS 2, and no more than QoS 1 was asked for"),
        { Topic.Length: 0, TopicAlias: 0 } => throw MqttProtocolException.Error("[MQTT-4.7.3-1] a message came without a topic"),
        { TopicAlias: > 0 } =>
            throw new MqttProtocolException(ReasonCode.TopicAliasInvalid, "[MQTT-3.1.2-26] a topic alias came, and none is allowed"),
        _ => messages.Writer.TryWrite(publish) ? default : WaitAsync(publish, cancellationToken),
    };

    /// <summary>How long the network has been read without a break since a moment; zero while it waits.</summary>
    public TimeSpan TimeOpenSince(long moment) =>
        Volatile.Read(ref full) ? TimeSpan.Zero : time.GetElapsedTime(Math.Max(moment, Volatile.Read(ref openedAt)));

    /// <summary>You can still read the messages that it holds.</summary>
    public void Close() => messages.Writer.TryComplete();

    private async ValueTask WaitAsync(MqttPublishPacket publish, CancellationToken cancellationToken)
    {
        Volatile.Write(ref full, true);
        await messages.Writer.WriteAsync(publish, cancellationToken);
        Volatile.Write(ref openedAt, time.GetTimestamp());
        Volatile.Write(ref full, false);
    }
}
