using System.Net.Security;

namespace Exporter.Mqtt;

/// <summary>Where to connect, as whom, and how much the server may send. A class and no record, so that nothing prints a user name.</summary>
public sealed class MqttOptions
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>
    /// Null: in the clear. The certificate is checked against its <c>TargetHost</c>; the protocol versions are the system's unless it
    /// says otherwise.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Empty: the server assigns one.</summary>
    public string ClientIdentifier { get; init; } = "";

    public string? UserName { get; init; }

    /// <summary>Asked once for each connection; at most 65,535 bytes.</summary>
    public Func<ReadOnlyMemory<byte>>? Password { get; init; }

    /// <summary>Whole seconds, 1 to 65,535, that we may be silent. The server may decide on another time.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Messages that are held for their reader, and that the server is told to send at QoS 1 before it waits: at least 1.</summary>
    public ushort ReceiveMaximum { get; init; } = 32;

    /// <summary>In bytes. Times the one above, it is the most that a connection holds.</summary>
    public uint MaximumPacketSize { get; init; } = 256 * 1024;

    /// <summary>From the name's resolution to the CONNACK.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For a SUBACK, a PINGRESP, and for the last words to go out.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    internal string Endpoint => $"{Host}:{Port}";

    internal ushort KeepAliveSeconds => (ushort)KeepAlive.TotalSeconds;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfZero(ReceiveMaximum);
        ArgumentOutOfRangeException.ThrowIfLessThan(KeepAlive.TotalSeconds, 1, nameof(KeepAlive));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(KeepAlive.TotalSeconds, ushort.MaxValue, nameof(KeepAlive));
        // A packet is read into one array.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaximumPacketSize, 268_435_455u);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumPacketSize, 128u);
    }
}

/// <summary>What the server decided on when it accepted.</summary>
/// <param name="ClientIdentifier">Ours, or the one it assigned.</param>
/// <param name="KeepAlive">In force: the server's if it gave one; zero: it wants none.</param>
/// <param name="MaximumQoS">The best that it delivers.</param>
/// <param name="MaximumPacketSize">The longest packet in bytes that it takes; null: no limit.</param>
/// <param name="Wildcards">Whether filters may hold <c>+</c> and <c>#</c>.</param>
/// <param name="ReasonString">What it says to that, for people; null: nothing.</param>
public sealed record MqttSession(
    string ClientIdentifier, TimeSpan KeepAlive, QoS MaximumQoS, uint? MaximumPacketSize, bool Wildcards, string? ReasonString);
