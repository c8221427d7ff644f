using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;

namespace Exporter.Metrics;

/// <summary>
/// One answer to one scrape: the blocks' bytes as they were made once, then the live families, then the format's end. The live values
/// are read in the constructor, so a page is one moment, its length is known before its first byte is written, and writing it is copying.
/// No family's name may be in two of its parts: blocks of one kind are merged before, and live families have names of their own.
/// </summary>
public sealed class Page : IDisposable
{
    // RFC 1951, 3.2.4: a stored block is a header of five bytes and at most so many more.
    private const int StoredLimit = 65535;
    private const int StoredHeader = 5;

    private readonly ExpositionFormat format;
    private readonly bool gzip;
    private readonly Rendered[] blocks;
    private readonly PooledBuffer tail;

    public Page(ExpositionFormat format, bool gzip, Rendered[] blocks, ReadOnlySpan<LiveFamily> live)
    {
        RequireDistinctNames(blocks, live);
        this.format = format;
        this.gzip = gzip;
        this.blocks = blocks;
        tail = new PooledBuffer(4096);
        var writer = new Utf8Writer(tail);
        foreach (var family in live)
        {
            family.WriteTo(ref writer, format);
        }
        writer.Write(format.End);
        writer.Flush();

        Length = gzip ? GzipHeader.Length + tail.Length + (StoredHeader * StoredBlocks(tail.Length)) + 8 : tail.Length;
        foreach (var block in blocks)
        {
            Length += gzip ? block.Compressed(format).Stream.Length : block.Bytes(format).Length;
        }
    }

    /// <summary>In bytes, as they are written.</summary>
    public long Length { get; }

    // RFC 1952: deflate, no name, no time, of an unknown system.
    private static ReadOnlySpan<byte> GzipHeader => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

    /// <summary>Writes the page of these parts.</summary>
    public static void Write(
        IBufferWriter<byte> output, ExpositionFormat format, bool gzip, Rendered[] blocks, ReadOnlySpan<LiveFamily> live)
    {
        using var page = new Page(format, gzip, blocks, live);
        page.WriteTo(output);
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        if (gzip)
        {
            WriteMember(output);
            return;
        }
        foreach (var block in blocks)
        {
            output.Write(block.Bytes(format));
        }
        output.Write(tail.Written);
    }

    public void Dispose() => tail.Dispose();

    // One gzip member: the blocks' streams, which end at a byte's boundary, then what is live as it is, in stored blocks.
    private void WriteMember(IBufferWriter<byte> output)
    {
        output.Write(GzipHeader);
        var (crc, length) = (0u, 0u);
        foreach (var block in blocks)
        {
            var compressed = block.Compressed(format);
            output.Write(compressed.Stream);
            crc = Crc32.Combine(crc, compressed.Crc, compressed.Shift);
            length += (uint)compressed.TextLength;
        }

        Span<byte> number = stackalloc byte[8];
        var rest = tail.Written;
        for (var left = StoredBlocks(rest.Length); left > 0; left--)
        {
            var part = rest[..Math.Min(rest.Length, StoredLimit)];
            rest = rest[part.Length..];
            number[0] = left == 1 ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt16LittleEndian(number[1..], (ushort)part.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(number[3..], (ushort)~part.Length);
            output.Write(number[..StoredHeader]);
            output.Write(part);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(number, Crc32.Append(crc, tail.Written));
        BinaryPrimitives.WriteUInt32LittleEndian(number[4..], length + (uint)tail.Length);
        output.Write(number);
    }

    // At least one, because the member needs a final block.
    private static int StoredBlocks(int length) => Math.Max(1, (length + StoredLimit - 1) / StoredLimit);

    // The names are constants of the code, so that any debug build that serves a page with a clash says so.
    [Conditional("DEBUG")]
    private static void RequireDistinctNames(ReadOnlySpan<Rendered> blocks, ReadOnlySpan<LiveFamily> live)
    {
        for (var i = 0; i < live.Length; i++)
        {
            foreach (var other in live[(i + 1)..])
            {
                Debug.Assert(live[i].Name != other.Name, $"Two live families are named {other.Name}.");
            }
            foreach (var block in blocks)
            {
                Debug.Assert(!Has(block, live[i].Name), $"{live[i].Name} is live and in a block.");
            }
        }
        for (var i = 0; i < blocks.Length; i++)
        {
            foreach (var other in blocks[(i + 1)..])
            {
                for (var j = 0; j < other.Families.Count; j++)
                {
                    Debug.Assert(!Has(blocks[i], other.Families[j].Name), $"{other.Families[j].Name} is in two blocks.");
                }
            }
        }
    }

    private static bool Has(Rendered block, string name)
    {
        for (var i = 0; i < block.Families.Count; i++)
        {
            if (block.Families[i].Name == name)
            {
                return true;
            }
        }
        return false;
    }
}
