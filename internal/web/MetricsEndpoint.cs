using Exporter.Metrics;
using Exporter.Accounts;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>The metrics page: negotiates its form and copies what is encoded already. Waits for nobody but the reader.</summary>
internal sealed class MetricsEndpoint(Exposition exposition, IEnumerable<MetricFamily> once, IEnumerable<LiveFamily> live)
{
    /// <summary>A compressed page of ten thousand series is one block, and none is kept longer than it takes to send.</summary>
    private const int LargestBlock = 128 * 1024;

    private readonly Rendered once = new(once);
    private readonly LiveFamily[] live = [.. live];

    public async Task WriteAsync(HttpContext context)
    {
        var asked = context.Request.Headers;
        var (format, gzip) = (Negotiation.Format(asked.Accept), Negotiation.Gzip(asked.AcceptEncoding));
        var response = context.Response;
        response.ContentType = format.ContentType;
        response.Headers.Vary = "Accept, Accept-Encoding";
        if (gzip)
        {
            response.Headers.ContentEncoding = "gzip";
        }
        var moment = exposition.Current();
        using (var page = new Page(format, gzip, [once, moment.State, moment.Readings], [.. moment.Live, .. live]))
        {
            response.ContentLength = page.Length;
            if (!HttpMethods.IsHead(context.Request.Method))
            {
                // Kestrel has blocks of 4 kB, and larger ones for who asks, once the headers are made: a fifth more scrapes of a large page.
                await response.StartAsync(context.RequestAborted);
                response.BodyWriter.GetSpan((int)Math.Min(page.Length, LargestBlock));
                page.WriteTo(response.BodyWriter);
            }
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
