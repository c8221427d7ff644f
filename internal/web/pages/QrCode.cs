using QRCoder;

namespace Exporter.Web;

/// <summary>A link as a QR code, for a phone. As SVG in the page, because the content security policy permits no data URL.</summary>
internal static class QrCode
{
    /// <summary>Empty modules around the code (ISO/IEC 18004). The library's matrix includes them.</summary>
    private const int QuietZone = 4;

    /// <param name="label">What a reader of the page without images needs.</param>
    public static Html Of(Uri link, string label)
    {
        using var data = QRCodeGenerator.GenerateQrCode(link.AbsoluteUri, QRCodeGenerator.ECCLevel.M);
        var rows = data.ModuleMatrix;
        var runs =
            from y in Enumerable.Range(0, rows.Count)
            from run in Runs(rows[y])
            select (Html)$"M{run.Start} {y}h{run.Length}v1h-{run.Length}z";
        return $"""
            <svg class="qr" viewBox="0 0 {rows.Count} {rows.Count}" role="img" aria-label="{label}" shape-rendering="crispEdges">
            <rect class="light" width="{rows.Count}" height="{rows.Count}"/><path class="dark" d="{runs}"/></svg>
            """;
    }

    private static IEnumerable<(int Start, int Length)> Runs(System.Collections.BitArray row)
    {
        for (var start = QuietZone; start < row.Count; start++)
        {
            var length = 0;
            while (start + length < row.Count && row[start + length])
            {
                length++;
            }
            if (length > 0)
            {
                yield return (start, length);
                start += length;
            }
        }
    }
}
