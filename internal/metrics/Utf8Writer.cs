using System.Buffers;
using System.Globalization;
using System.Text;

namespace Exporter.Metrics;

/// <summary>Writes text as UTF-8 into a buffer's own memory. What is written counts after <see cref="Flush"/>.</summary>
internal ref struct Utf8Writer(IBufferWriter<byte> output)
{
    // The longest double is 24 characters long ("-2.2250738585072014E-308").
    public const int LongestNumber = 32;

    private Span<byte> free;
    private int written;

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        var room = Reserve(bytes.Length);
        bytes.CopyTo(room);
        written += bytes.Length;
    }

    public void Write(ReadOnlySpan<char> text)
    {
        var room = Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        written += Encoding.UTF8.GetBytes(text, room);
    }

    /// <summary>The text with a backslash before each of the special characters, a line feed as <c>\n</c>.</summary>
    public void WriteEscaped(ReadOnlySpan<char> text, SearchValues<char> special)
    {
        for (var at = text.IndexOfAny(special); at >= 0; at = text.IndexOfAny(special))
        {
            Write(text[..at]);
            Write(text[at] switch { '\n' => "\\n"u8, '"' => "\\\""u8, _ => "\\\\"u8 });
            text = text[(at + 1)..];
        }
        Write(text);
    }

    /// <summary>The shortest text that reads back as the same number.</summary>
    public void Write(double value)
    {
        var room = Reserve(LongestNumber);
        written += Format(value, room);
    }

    /// <returns>The length of the text.</returns>
    public static int Format(double value, Span<byte> room)
    {
        int length;
        if (value == Math.Truncate(value) && Math.Abs(value) <= 1L << 53 && !(value == 0 && double.IsNegative(value)))
        {
            // Most values are whole, and a long is several times quicker to write; the text is the same.
            ((long)value).TryFormat(room, out length, default, CultureInfo.InvariantCulture);
        }
        else if (double.IsInfinity(value))
        {
            (value > 0 ? "+Inf"u8 : "-Inf"u8).CopyTo(room);
            length = 4;
        }
        else
        {
            value.TryFormat(room, out length, default, CultureInfo.InvariantCulture);
        }
        return length;
    }

    public void Flush()
    {
        output.Advance(written);
        free = [];
        written = 0;
    }

    private Span<byte> Reserve(int size)
    {
        if (free.Length - written < size)
        {
            Flush();
            free = output.GetSpan(Math.Max(size, 512));
        }
        return free[written..];
    }
}
