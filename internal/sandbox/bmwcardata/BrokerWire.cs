using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Exporter.Sandbox;

/// <summary>What a subscriber says to the broker (MQTT 5, section 3), as far as the broker cares.</summary>
internal abstract record Said
{
    private Said() { }

    public sealed record Connect(string ClientId, string? User, string? Password, ushort KeepAlive, bool CleanStart) : Said;

    public sealed record Subscribe(ushort Identifier, IReadOnlyList<(string Filter, int QoS)> Filters) : Said;

    public sealed record PubAck : Said;

    public sealed record PingReq : Said;

    public sealed record Disconnect : Said;

    /// <summary>What no subscriber of BMW's stream has to say.</summary>
    public sealed record Other(int Type) : Said;

    /// <summary>Takes one packet off the buffer; null while it holds no whole one.</summary>
    /// <exception cref="InvalidDataException">These bytes are no packet.</exception>
    public static Said? Read(ref ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryRead(out var first))
        {
            return null;
        }
        var length = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (shift > 21)
            {
                throw new InvalidDataException("the remaining length has more than four bytes");
            }
            if (!reader.TryRead(out var part))
            {
                return null;
            }
            length |= (part & 0x7F) << shift;
            if ((part & 0x80) == 0)
            {
                break;
            }
        }
        if (reader.Remaining < length)
        {
            return null;
        }
        var body = new Body(reader.UnreadSequence.Slice(0, length).ToArray());
        buffer = reader.UnreadSequence.Slice(length);
        return (first >> 4) switch
        {
            1 => body.Connect(),
            4 => new PubAck(),
            8 => body.Subscribe(),
            12 => new PingReq(),
            14 => new Disconnect(),
            var type => new Other(type),
        };
    }

    private ref struct Body(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> rest = rest;

        public Connect Connect()
        {
            if (Text() != "MQTT" || Byte() != 5)
            {
                throw new InvalidDataException("this is not MQTT 5");
            }
            var flags = Byte();
            var keepAlive = Short();
            Skip(Variable());
            var client = Text();
            if ((flags & 0x04) != 0)
            {
                throw new InvalidDataException("a will is nothing that a subscriber has");
            }
            var user = (flags & 0x80) != 0 ? Text() : null;
            var password = (flags & 0x40) != 0 ? Text() : null;
            return new Connect(client, user, password, keepAlive, (flags & 0x02) != 0);
        }

        public Subscribe Subscribe()
        {
            var identifier = Short();
            Skip(Variable());
            var filters = new List<(string Filter, int QoS)>();
            while (rest.Length > 0)
            {
                filters.Add((Text(), Byte() & 0x03));
            }
            return new Subscribe(identifier, filters);
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (rest.Length < count)
            {
                throw new InvalidDataException("a packet ends in the middle of a field");
            }
            var taken = rest[..count];
            rest = rest[count..];
            return taken;
        }

        private void Skip(int count) => Take(count);

        private byte Byte() => Take(1)[0];

        private ushort Short() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

        private string Text() => Encoding.UTF8.GetString(Take(Short()));

        private int Variable()
        {
            var value = 0;
            for (var shift = 0; shift <= 21; shift += 7)
            {
                var part = Byte();
                value |= (part & 0x7F) << shift;
                if ((part & 0x80) == 0)
                {
                    return value;
                }
            }
            throw new InvalidDataException("a length has more than four bytes");
        }
    }
}

/// <summary>What the broker says.</summary>
internal static class Saying
{
    public static byte[] ConnAck(byte reason) => [0x20, 3, 0, reason, 0];

    public static byte[] PingResp() => [0xD0, 0];

    public static byte[] Disconnect(byte reason) => [0xE0, 2, reason, 0];

    public static byte[] SubAck(ushort identifier, IReadOnlyList<byte> codes) =>
        [0x90, (byte)(3 + codes.Count), (byte)(identifier >> 8), (byte)identifier, 0, .. codes];

    /// <param name="identifier">At QoS 1; null at QoS 0.</param>
    public static byte[] Publish(string topic, ReadOnlySpan<byte> payload, ushort? identifier)
    {
        var name = Encoding.UTF8.GetBytes(topic);
        byte[] head = [(byte)(name.Length >> 8), (byte)name.Length, .. name, .. identifier is { } id ? new[] { (byte)(id >> 8), (byte)id } : [], 0];
        return [(byte)(identifier is null ? 0x30 : 0x32), .. Length(head.Length + payload.Length), .. head, .. payload];
    }

    private static List<byte> Length(int value)
    {
        var bytes = new List<byte>();
        do
        {
            bytes.Add((byte)((value & 0x7F) | (value > 0x7F ? 0x80 : 0)));
            value >>= 7;
        }
        while (value > 0);
        return bytes;
    }
}
