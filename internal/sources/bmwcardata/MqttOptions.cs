using System.Net.Security;

namespace Exporter.BmwCarData;

/// <summary>The server to connect to, the credentials, and how much the server may send. Not a record, so that nothing prints a user name.</summary>
internal sealed class MqttOptions
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>The certificate is checked against its <c>TargetHost</c>.</summary>
    public required SslClientAuthenticationOptions Tls { get; init; }

    /// <summary>Empty lets the server assign one.</summary>
    public string ClientIdentifier { get; init; } = "";

    public string UserName { get; init; } = "";

    public byte[] Password { get; init; } = [];

    /// <summary>Whole seconds. A server may ask for a shorter time.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The number of messages that wait to be taken, and that the server may send at QoS 1 before an acknowledgement.</summary>
    public ushort ReceiveMaximum { get; init; } = 32;

    /// <summary>In bytes. Multiplied by <see cref="ReceiveMaximum"/>, this is the most memory that a connection takes.</summary>
    public uint MaximumPacketSize { get; init; } = 256 * 1024;

    /// <summary>From resolving the name to the CONNACK.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For a SUBACK, a PINGRESP, and for sending the DISCONNECT.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public string Endpoint => $"{Host}:{Port}";
}

/// <summary>A published message. You may keep the payload.</summary>
internal readonly record struct MqttMessage(string Topic, ReadOnlyMemory<byte> Payload);
