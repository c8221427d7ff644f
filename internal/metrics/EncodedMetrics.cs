using System.Buffers.Binary;
using System.IO.Compression;
using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// A part of the metrics page, as prometheus-net encodes it. Immutable and safe for concurrent use: each format, and each format's
/// compressed form, is made once, when it is first used. New values need a new part, so nothing is ever cleared.
/// </summary>
public sealed class EncodedMetrics
{
    private readonly EncodedText text;
    private readonly EncodedText openMetrics;

    private EncodedMetrics(Func<ExpositionFormat, CollectorRegistry> registry) =>
        (text, openMetrics) = (new(registry, ExpositionFormat.PrometheusText), new(registry, ExpositionFormat.OpenMetricsText));

    public static EncodedMetrics Empty { get; } = Of();

    /// <summary>The families of a snapshot.</summary>
    public static EncodedMetrics Of(params IReadOnlyList<FamilyGroup> groups) => new(format => Prometheus.Metrics.NewCustomRegistry().Register(groups, format));

    /// <summary>A registry that goes on counting, as it is when a form is first used.</summary>
    public static EncodedMetrics Of(CollectorRegistry registry) => new(_ => registry);

    /// <summary>Makes a form now, so that no scrape makes it later.</summary>
    public void Prepare(ExpositionFormat format, bool gzip) => In(format).Prepare(gzip);

    /// <summary>Makes now the forms that an earlier version of this part has.</summary>
    public void PrepareAs(EncodedMetrics earlier)
    {
        text.PrepareAs(earlier.text);
        openMetrics.PrepareAs(earlier.openMetrics);
    }

    internal EncodedText In(ExpositionFormat format) => format == ExpositionFormat.OpenMetricsText ? openMetrics : text;
}

/// <summary>One format of a part: its bytes, and the same deflated.</summary>
internal sealed class EncodedText
{
    private readonly Lazy<byte[]> bytes;
    private readonly Lazy<DeflatedText> deflated;

    public EncodedText(Func<ExpositionFormat, CollectorRegistry> registry, ExpositionFormat format)
    {
        bytes = new(() => Registration.Encode(registry(format), format));
        deflated = new(() => DeflatedText.From(bytes.Value));
    }

    public EncodedText(byte[] text) => (bytes, deflated) = (new(text), new(() => DeflatedText.From(text)));

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
/// A text as a DEFLATE stream without an end. The stream is flushed to a byte boundary and refers to nothing before itself, so such
/// streams can follow each other in one gzip member.
/// </summary>
/// <param name="Crc">The checksum of the text.</param>
/// <param name="Shift"><see cref="Crc32.Shift"/> of the text's length.</param>
internal sealed record DeflatedText(byte[] Stream, int TextLength, uint Crc, uint Shift)
{
    // RFC 1952: a member begins with a header of ten bytes, and ends with the checksum and the length of its text.
    private const int HeaderLength = 10;
    private const int TrailerLength = 8;

    public static DeflatedText From(byte[] text)
    {
        if (text.Length == 0)
        {
            return new([], 0, 0, Crc32.Shift(0));
        }
        using var stream = new MemoryStream((text.Length / 8) + 64);
        int end;
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(text);
            // zlib's Z_SYNC_FLUSH. What follows in the stream is a final block and the trailer, of which only the checksum is used.
            gzip.Flush();
            end = (int)stream.Length;
        }
        var member = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        return new(member[HeaderLength..end].ToArray(), text.Length, BinaryPrimitives.ReadUInt32LittleEndian(member[^TrailerLength..]), Crc32.Shift(text.Length));
    }
}
