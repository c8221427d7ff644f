using System.Net.Security;

namespace Exporter.BmwCarData;

/// <summary>The server, the credentials, and the limits of a connection. Not a record, so that ToString reveals no user name.</summary>
internal sealed class MqttOptions
{
    public required string Host { get; init; }
    public required int Port { get; init; }

    /// <summary>The certificate is checked against its <c>TargetHost</c>.</summary>
    public required SslClientAuthenticationOptions Tls { get; init; }

    /// <summary>If empty, the server assigns one.</summary>
    public string ClientIdentifier { get; init; } = "";
    public string UserName { get; init; } = "";
    public byte[] Password { get; init; } = [];

    /// <summary>Whole seconds. A server can request a shorter time.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The maximum number of unprocessed messages, and of unacknowledged messages at QoS 1.</summary>
    public ushort ReceiveMaximum { get; init; } = 32;

    /// <summary>In bytes. Multiplied by <see cref="ReceiveMaximum"/>, it bounds the memory of a connection.</summary>
    public uint MaximumPacketSize { get; init; } = 256 * 1024;

    /// <summary>From name resolution to CONNACK.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For SUBACK, PINGRESP, and sending DISCONNECT.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Logs packets at level Information instead of Debug.</summary>
    public bool LogPackets { get; init; }

    public string Endpoint => $"{Host}:{Port}";
}

/// <summary>A published message. The payload stays valid.</summary>
internal readonly record struct MqttMessage(string Topic, ReadOnlyMemory<byte> Payload);
