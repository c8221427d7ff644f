using System.Buffers;
using Exporter.Mqtt;

namespace Exporter.Tests.Mqtt;

/// <summary>Packets as hexadecimal text, and sequences cut to pieces.</summary>
internal static class Packets
{
    public const uint Limit = 1024 * 1024;

    /// <summary>One of each kind, with everything in it that can be in it.</summary>
    public static readonly IReadOnlyList<Packet> Samples =
    [
        new Packet.Connect("", 30),
        new Packet.Connect("client", 65535)
        {
            CleanStart = false, UserName = "grüezi", Password = new byte[] { 0, 1, 255 }, SessionExpiryInterval = 7, ReceiveMaximum = 32,
            MaximumPacketSize = 262_144, TopicAliasMaximum = 3, AuthenticationMethod = "SCRAM",
        },
        new Packet.ConnAck(false, ReasonCode.Success),
        new Packet.ConnAck(true, ReasonCode.NotAuthorized)
        {
            SessionExpiryInterval = 0, ReceiveMaximum = 10, MaximumQoS = QoS.AtMostOnce, RetainAvailable = false, MaximumPacketSize = 1000,
            AssignedClientIdentifier = "auto-1", TopicAliasMaximum = 10, ReasonString = "no", WildcardSubscriptionAvailable = false,
            SubscriptionIdentifierAvailable = false, SharedSubscriptionAvailable = false, ServerKeepAlive = 20, ResponseInformation = "r",
            ServerReference = "other:1883", AuthenticationMethod = "m",
        },
        new Packet.Publish(new MqttMessage("a/b", new byte[] { 1, 2, 3 }, QoS.AtMostOnce), 0),
        new Packet.Publish(new MqttMessage("Straße/𪛔", new byte[300], QoS.AtLeastOnce, Retained: true, Duplicate: true), 513),
        new Packet.PubAck(1),
        new Packet.PubAck(65535, ReasonCode.QuotaExceeded, "full"),
        new Packet.Subscribe(10, [new("a/b"), new("c/#", QoS.AtMostOnce)]),
        new Packet.SubAck(10, [ReasonCode.GrantedQoS1, ReasonCode.Success, ReasonCode.NotAuthorized], "see there"),
        new Packet.PingReq(),
        new Packet.PingResp(),
        new Packet.Disconnect(ReasonCode.Success),
        new Packet.Disconnect(ReasonCode.SessionTakenOver, "elsewhere") { SessionExpiryInterval = 0, ServerReference = "there" },
        new Packet.Auth(ReasonCode.Success),
        new Packet.Auth(ReasonCode.ContinueAuthentication, "m", "more"),
    ];

    public static byte[] Encode(Packet packet) => PacketWriter.Encode(packet).ToArray();

    /// <summary>Spaces are for the eye.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>All of the bytes as one packet.</summary>
    public static Packet Read(byte[] bytes, uint limit = Limit)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        return PacketReader.TryRead(ref buffer, limit, out var packet) && buffer.IsEmpty
            ? packet
            : throw new InvalidOperationException($"{Convert.ToHexString(bytes)} is not one whole packet");
    }

    public static ReadOnlySequence<byte> Cut(byte[] bytes, params IEnumerable<int> at)
    {
        Segment? first = null, last = null;
        var from = 0;
        foreach (var to in at.Append(bytes.Length))
        {
            last = new Segment(bytes.AsMemory(from, to - from), last);
            first ??= last;
            from = to;
        }
        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
