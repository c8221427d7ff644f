using System.IO.Compression;

namespace Exporter.Metrics;

/// <summary>
/// Families that stay as they are, and what they look like on a page. Immutable and for any thread: each format, and each format's
/// compressed form, is made once, when it is first asked for. New values are a new <see cref="Rendered"/>, so nothing is ever cleared.
/// </summary>
public sealed class Rendered
{
    private readonly Form text;
    private readonly Form openMetrics;

    /// <param name="families">In any order; those of one name become one, by the rules of <see cref="MetricFamily.Merge(IEnumerable{IEnumerable{MetricFamily}})"/>.</param>
    public Rendered(IEnumerable<MetricFamily> families)
    {
        Families = MetricFamily.Merge([families]);
        text = new(ExpositionFormat.Text, Families);
        openMetrics = new(ExpositionFormat.OpenMetrics, Families);
    }

    public static Rendered Empty { get; } = new([]);

    public IReadOnlyList<MetricFamily> Families { get; }

    /// <summary>Makes a form now, off the way of the scrape that will ask for it.</summary>
    public void Prepare(ExpositionFormat format, bool gzip) => _ = gzip ? Compressed(format).Stream : Bytes(format);

    /// <summary>Makes now every form that was asked of an earlier one, so that no scrape has to wait for it.</summary>
    public void PrepareAs(Rendered earlier)
    {
        text.PrepareAs(earlier.text);
        openMetrics.PrepareAs(earlier.openMetrics);
    }

    internal byte[] Bytes(ExpositionFormat format) => For(format).Bytes.Value;

    internal Deflated Compressed(ExpositionFormat format) => For(format).Compressed.Value;

    private Form For(ExpositionFormat format) => format == ExpositionFormat.OpenMetrics ? openMetrics : text;

    private sealed class Form
    {
        public Form(ExpositionFormat format, IReadOnlyList<MetricFamily> families)
        {
            Bytes = new(() => Encode(format, families));
            Compressed = new(() => Deflated.From(Bytes.Value));
        }

        public Lazy<byte[]> Bytes { get; }

        public Lazy<Deflated> Compressed { get; }

        public void PrepareAs(Form earlier)
        {
            if (earlier.Compressed.IsValueCreated)
            {
                _ = Compressed.Value;
            }
            else if (earlier.Bytes.IsValueCreated)
            {
                _ = Bytes.Value;
            }
        }

        private static byte[] Encode(ExpositionFormat format, IReadOnlyList<MetricFamily> families)
        {
            using var buffer = new PooledBuffer(4096);
            var writer = new Utf8Writer(buffer);
            foreach (var family in families)
            {
                format.WriteFamily(ref writer, family);
            }
            writer.Flush();
            return buffer.Written.ToArray();
        }
    }
}

/// <summary>
/// A text as a DEFLATE stream without an end. It is flushed to a byte's boundary and refers to nothing before itself, so such streams
/// can stand one after the other in one gzip member.
/// </summary>
/// <param name="Crc">Of the text.</param>
/// <param name="Shift"><see cref="Crc32.Shift"/> of the text's length.</param>
internal sealed record Deflated(byte[] Stream, int TextLength, uint Crc, uint Shift)
{
    public static Deflated From(byte[] text)
    {
        var stream = new MemoryStream(text.Length / 8);
        using var deflate = new DeflateStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        deflate.Write(text);
        // zlib's Z_SYNC_FLUSH: ends in an empty stored block. Disposing would add the final block, so the bytes are taken before.
        deflate.Flush();
        return new Deflated(stream.ToArray(), text.Length, Crc32.Append(0, text), Crc32.Shift(text.Length));
    }
}
