using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Exporter.Mqtt;

/// <summary>Reads the data representations of MQTT 5, section 1.5, off the bytes of one packet.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    public readonly bool IsAtEnd => rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ushort TwoBytes() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint FourBytes() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public uint VariableByteInteger()
    {
        if (!TryVariableByteInteger(rest, out var value, out var length))
        {
            throw Short();
        }
        rest = rest[length..];
        return value;
    }

    public ReadOnlySpan<byte> Binary() => Take(TwoBytes());

    /// <summary>The bytes of a UTF-8 encoded string, found to be well-formed.</summary>
    public ReadOnlySpan<byte> Utf8()
    {
        var text = Binary();
        if (!System.Text.Unicode.Utf8.IsValid(text))
        {
            throw MqttProtocolException.Malformed("[MQTT-1.5.4-1] a string is not well-formed UTF-8");
        }
        if (text.Contains((byte)0))
        {
            throw MqttProtocolException.Malformed("[MQTT-1.5.4-2] a string holds U+0000");
        }
        return text;
    }

    public string Text() => Encoding.UTF8.GetString(Utf8());

    public ReadOnlySpan<byte> Rest() => Take(rest.Length);

    public ReadOnlySpan<byte> Take(uint count) => count <= rest.Length ? Take((int)count) : throw Short();

    /// <returns>False where more bytes are needed to say.</returns>
    /// <exception cref="MqttProtocolException">It has more than four bytes, or more than it needs.</exception>
    public static bool TryVariableByteInteger(ReadOnlySpan<byte> bytes, out uint value, out int length)
    {
        (value, length) = (0, 0);
        while (length < bytes.Length)
        {
            var next = bytes[length];
            value |= (next & 0x7Fu) << (7 * length++);
            if (next < 0x80)
            {
                return length == 1 || next != 0 ? true : throw MqttProtocolException.Malformed("[MQTT-1.5.5-1] a length is not in the fewest bytes");
            }
            if (length == 4)
            {
                throw MqttProtocolException.Malformed("[MQTT 1.5.5] a length has more than four bytes");
            }
        }
        return false;
    }

    private static MqttProtocolException Short() => MqttProtocolException.Malformed("[MQTT 2.1.4] a packet ends within a field");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > rest.Length)
        {
            throw Short();
        }
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}

/// <summary>Writes the data representations of MQTT 5, section 1.5.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public ReadOnlySpan<byte> Written => bytes.WrittenSpan;

    public WireWriter Byte(int value)
    {
        bytes.GetSpan(1)[0] = (byte)value;
        bytes.Advance(1);
        return this;
    }

    public WireWriter TwoBytes(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes.GetSpan(2), value);
        bytes.Advance(2);
        return this;
    }

    public WireWriter FourBytes(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes.GetSpan(4), value);
        bytes.Advance(4);
        return this;
    }

    /// <exception cref="ArgumentOutOfRangeException">It is longer than its two-byte length can say.</exception>
    public WireWriter Binary(ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, ushort.MaxValue, nameof(value));
        return TwoBytes((ushort)value.Length).Raw(value);
    }

    public WireWriter Text(string value) => Binary(Encoding.UTF8.GetBytes(value));

    public WireWriter Raw(ReadOnlySpan<byte> value)
    {
        bytes.Write(value);
        return this;
    }

    /// <summary>Bytes with their length before them, as a variable byte integer.</summary>
    public WireWriter Counted(WireWriter body)
    {
        Span<byte> length = stackalloc byte[4];
        return Raw(length[..VariableByteInteger(length, (uint)body.Written.Length)]).Raw(body.Written);
    }

    /// <returns>How many bytes it took: the fewest [MQTT-1.5.5-1].</returns>
    public static int VariableByteInteger(Span<byte> into, uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 268_435_455u);
        var length = 0;
        do
        {
            into[length++] = (byte)(value & 0x7F | (value > 0x7F ? 0x80u : 0));
            value >>= 7;
        }
        while (value > 0);
        return length;
    }
}
