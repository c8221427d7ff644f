using System.Net.Security;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Exporter.BmwCarData;

/// <summary>The server to connect to, the credentials, and how much the server may send. Not a record, so that nothing prints a user name.</summary>
internal sealed class MqttOptions
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>Null connects without TLS. The certificate is checked against its <c>TargetHost</c>.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Empty lets the server assign one.</summary>
    public string ClientIdentifier { get; init; } = "";

    public string? UserName { get; init; }

    public byte[]? Password { get; init; }

    /// <summary>Whole seconds. A server may ask for a different time.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The number of messages that wait for their reader, and that the server may send at QoS 1 before an acknowledgement.</summary>
    public ushort ReceiveMaximum { get; init; } = 32;

    /// <summary>In bytes. Multiplied by <see cref="ReceiveMaximum"/>, this is the most memory that a connection takes.</summary>
    public uint MaximumPacketSize { get; init; } = 256 * 1024;

    /// <summary>From resolving the name to the CONNACK.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For a SUBACK, a PINGRESP, and for sending the DISCONNECT.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public string Endpoint => $"{Host}:{Port}";
}

/// <summary>What the server set when it accepted the connection.</summary>
/// <param name="ClientIdentifier">The configured one, or the one that the server assigned.</param>
/// <param name="KeepAlive">The server's if it sent one, else the configured one.</param>
/// <param name="MaximumPacketSize">The longest packet in bytes that the server takes; 0: no limit.</param>
/// <param name="Wildcards">Whether filters may contain <c>+</c> and <c>#</c>.</param>
internal sealed record MqttSession(string ClientIdentifier, TimeSpan KeepAlive, uint MaximumPacketSize, bool Wildcards)
{
    /// <summary>Why the server can't take a packet; null: it can.</summary>
    public ReasonCode? Forbids(MqttSubscribePacket packet) =>
        // MQTT 5, 3.2.2.3.11: a wildcard that the server doesn't support is a protocol error.
        !Wildcards && packet.TopicFilters.Any(filter => filter.Topic.AsSpan().ContainsAny('+', '#')) ? ReasonCode.WildcardSubscriptionsNotSupported
        // [MQTT-3.2.2-15]
        : MaximumPacketSize > 0 && MqttLink.LengthOf(packet) > MaximumPacketSize ? ReasonCode.PacketTooLarge : null;

    /// <exception cref="MqttProtocolException">It isn't an answer to a CONNECT for a new session without extended authentication.</exception>
    public static bool Checked(MqttConnAckPacket ack) => ack switch
    {
        { IsSessionPresent: true } => throw MqttProtocolException.Error("[MQTT-3.2.2-2, -4, -6] a CONNACK speaks of a session, and there is none"),
        { ReasonCode: not MqttConnectReasonCode.Success and < MqttConnectReasonCode.UnspecifiedError } =>
            throw MqttProtocolException.Error("[MQTT-3.2.2-8] a CONNACK's code neither accepts nor refuses"),
        { AuthenticationMethod: not null } =>
            throw MqttProtocolException.Error("[MQTT-4.12.0-6] a CONNACK names an authentication method, and CONNECT did not"),
        _ => true,
    };
}

/// <summary>A published message. You may keep the payload.</summary>
internal readonly record struct MqttMessage(string Topic, ReadOnlyMemory<byte> Payload, MqttQualityOfServiceLevel QoS);

/// <summary>A topic filter, and the highest quality of service to ask for.</summary>
internal sealed record Subscription(string Filter, MqttQualityOfServiceLevel QoS = MqttQualityOfServiceLevel.AtLeastOnce);
