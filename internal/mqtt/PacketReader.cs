using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Exporter.Mqtt;

/// <summary>Bytes → packets. Pure, for any thread; allocates what it returns and nothing else.</summary>
public static class PacketReader
{
    /// <summary>Takes one packet off the beginning of <paramref name="buffer"/>, or leaves the buffer alone if it holds no whole packet yet.</summary>
    /// <param name="maximumPacketSize">In bytes, header included. A longer packet fails by its header, before there is need to keep any of it.</param>
    /// <exception cref="MqttProtocolException">The connection cannot go on.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, uint maximumPacketSize, [NotNullWhen(true)] out Packet? packet)
    {
        packet = null;
        Span<byte> header = stackalloc byte[5];
        var held = (int)Math.Min(buffer.Length, header.Length);
        buffer.Slice(0, held).CopyTo(header);
        if (held == 0)
        {
            return false;
        }
        var type = (PacketType)(header[0] >> 4);
        var flags = header[0] & 0x0F;
        CheckType(type, flags);
        if (!WireReader.TryVariableByteInteger(header[1..held], out var length, out var bytesOfLength))
        {
            return false;
        }
        var whole = 1L + bytesOfLength + length;
        if (whole > maximumPacketSize)
        {
            throw new MqttProtocolException(ReasonCode.PacketTooLarge, $"[MQTT-3.1.2-24] a packet has {whole} bytes where {maximumPacketSize} are allowed");
        }
        if (buffer.Length < whole)
        {
            return false;
        }
        var body = buffer.Slice(1 + bytesOfLength, length);
        packet = body.IsSingleSegment ? Read(type, flags, body.FirstSpan) : ReadGathered(type, flags, body);
        buffer = buffer.Slice(whole);
        return true;
    }

    /// <summary>Where a packet lies across segments: on borrowed memory.</summary>
    private static Packet ReadGathered(PacketType type, int flags, in ReadOnlySequence<byte> body)
    {
        var borrowed = ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            body.CopyTo(borrowed);
            return Read(type, flags, borrowed.AsSpan(0, (int)body.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(borrowed);
        }
    }

    private static void CheckType(PacketType type, int flags)
    {
        var reserved = type switch
        {
            PacketType.Publish => flags,
            PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe => 0b0010,
            0 => throw MqttProtocolException.Malformed("[MQTT 2.1.2] packet type 0 is forbidden"),
            _ => 0,
        };
        if (flags != reserved)
        {
            throw MqttProtocolException.Malformed("[MQTT-2.1.3-1] the reserved flags of a fixed header are not as they have to be");
        }
    }

    private static Packet Read(PacketType type, int flags, ReadOnlySpan<byte> body)
    {
        var wire = new WireReader(body);
        Packet packet = type switch
        {
            PacketType.Connect => PacketBody.Connect(ref wire),
            PacketType.ConnAck => PacketBody.ConnAck(ref wire),
            PacketType.Publish => PacketBody.Publish(ref wire, flags),
            PacketType.PubAck => PacketBody.PubAck(ref wire),
            PacketType.Subscribe => PacketBody.Subscribe(ref wire),
            PacketType.SubAck => PacketBody.SubAck(ref wire),
            PacketType.PingReq => PacketBody.PingReq,
            PacketType.PingResp => PacketBody.PingResp,
            PacketType.Disconnect => PacketBody.Disconnect(ref wire),
            PacketType.Auth => PacketBody.Auth(ref wire),
            _ => throw MqttProtocolException.Error($"[MQTT 4.3.3, 3.10] {type} belongs to QoS 2 or to unsubscribing, of which nothing was begun"),
        };
        return wire.IsAtEnd ? packet : throw MqttProtocolException.Malformed($"[MQTT 2.1.4] {type} has more bytes than fields");
    }
}
