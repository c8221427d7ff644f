using System.Buffers.Binary;
using System.IO.Compression;
using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// A part of the metrics page, encoded by prometheus-net. Immutable and safe for concurrent use. Each format, compressed or not, is encoded once,
/// at its first use. New values require a new part, so nothing must be invalidated.
/// </summary>
public sealed class EncodedMetrics
{
    private readonly EncodedText text;
    private readonly EncodedText openMetrics;

    private EncodedMetrics(Func<ExpositionFormat, byte[]> encode) =>
        (text, openMetrics) = (new(() => encode(ExpositionFormat.PrometheusText)), new(() => encode(ExpositionFormat.OpenMetricsText)));

    public static EncodedMetrics Empty { get; } = Of();

    /// <param name="groups">Each with other labels.</param>
    public static EncodedMetrics Of(params IReadOnlyList<FamilyGroup> groups) => new(format => MergedText.Encode(groups, format));

    /// <summary>The values of a live registry, as of the first use of each format.</summary>
    public static EncodedMetrics Of(CollectorRegistry registry) => new(format => Registration.Encode(registry, format));

    /// <summary>Encodes a format now instead of during a scrape.</summary>
    public void Prepare(ExpositionFormat format, bool gzip) => In(format).Prepare(gzip);

    /// <summary>Encodes now the formats that an earlier version of this part has.</summary>
    public void PrepareAs(EncodedMetrics earlier)
    {
        text.PrepareAs(earlier.text);
        openMetrics.PrepareAs(earlier.openMetrics);
    }

    internal EncodedText In(ExpositionFormat format) => format == ExpositionFormat.OpenMetricsText ? openMetrics : text;
}

/// <summary>One format of a part, plain and deflated.</summary>
internal sealed class EncodedText
{
    private readonly Lazy<byte[]> bytes;
    private readonly Lazy<DeflatedText> deflated;

    public EncodedText(Func<byte[]> encode)
    {
        bytes = new(encode);
        deflated = new(() => DeflatedText.From(bytes.Value));
    }

    public byte[] Bytes => bytes.Value;

    public DeflatedText Deflated => deflated.Value;

    public void Prepare(bool gzip) => _ = gzip ? Deflated.Stream : Bytes;

    public void PrepareAs(EncodedText earlier)
    {
        if (earlier.bytes.IsValueCreated)
        {
            Prepare(earlier.deflated.IsValueCreated);
        }
    }
}

/// <summary>
/// A text as a DEFLATE stream without a final block. The stream is flushed to a byte boundary and has no references to earlier data, so
/// streams can be concatenated in one gzip member.
/// </summary>
/// <param name="Shift"><see cref="Crc32.Shift"/> of the text's length.</param>
internal sealed record DeflatedText(byte[] Stream, int TextLength, uint Crc, uint Shift)
{
    // RFC 1952: a member starts with a header of ten bytes, and ends with the checksum and the length of its text.
    private const int HeaderLength = 10;
    private const int TrailerLength = 8;

    public static DeflatedText From(byte[] text)
    {
        if (text.Length == 0)
        {
            return new([], 0, 0, Crc32.Shift(0));
        }
        var stream = SharedBuffer.Take();
        int end;
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(text);
            // Z_SYNC_FLUSH in zlib. A final block and the trailer follow, of which only the checksum is used.
            gzip.Flush();
            end = (int)stream.Length;
        }
        var member = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(member[^TrailerLength..]);
        var deflated = member[HeaderLength..end].ToArray();
        SharedBuffer.Return(stream);
        return new(deflated, text.Length, crc, Crc32.Shift(text.Length));
    }
}
