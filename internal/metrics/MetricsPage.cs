using System.Buffers;
using System.Buffers.Binary;
using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// The response to one scrape: encoded parts in sequence. Its length is known in advance, and writing it only copies bytes. No family may be in
/// two of its parts.
/// </summary>
public sealed class MetricsPage
{
    private static readonly EncodedText OpenMetricsEnd = new(() => "# EOF\n"u8.ToArray());

    private readonly bool gzip;
    private readonly EncodedText[] parts;

    public MetricsPage(ExpositionFormat format, bool gzip, params ReadOnlySpan<EncodedMetrics> parts)
    {
        this.gzip = gzip;
        var end = format == ExpositionFormat.OpenMetricsText;
        this.parts = new EncodedText[parts.Length + (end ? 1 : 0)];
        for (var i = 0; i < parts.Length; i++)
        {
            this.parts[i] = parts[i].In(format);
        }
        if (end)
        {
            this.parts[^1] = OpenMetricsEnd;
        }
        Length = gzip ? GzipHeader.Length + FinalBlock.Length + 8 : 0;
        foreach (var part in this.parts)
        {
            Length += gzip ? part.Deflated.Stream.Length : part.Bytes.Length;
        }
    }

    /// <summary>In bytes, compressed if the page is.</summary>
    public long Length { get; }

    // RFC 1952: deflate, no name, no time, unknown operating system.
    private static ReadOnlySpan<byte> GzipHeader => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

    // RFC 1951, 3.2.6: an empty final block with fixed codes.
    private static ReadOnlySpan<byte> FinalBlock => [3, 0];

    public void WriteTo(IBufferWriter<byte> output)
    {
        if (gzip)
        {
            WriteMember(output);
            return;
        }
        foreach (var part in parts)
        {
            output.Write(part.Bytes);
        }
    }

    // A single gzip member, because some readers stop after the first.
    private void WriteMember(IBufferWriter<byte> output)
    {
        output.Write(GzipHeader);
        var (crc, length) = (0u, 0u);
        foreach (var part in parts)
        {
            var deflated = part.Deflated;
            output.Write(deflated.Stream);
            crc = Crc32.Combine(crc, deflated.Crc, deflated.Shift);
            length += (uint)deflated.TextLength;
        }
        output.Write(FinalBlock);
        Span<byte> trailer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], length);
        output.Write(trailer);
    }
}
