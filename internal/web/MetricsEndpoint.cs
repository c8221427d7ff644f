using Exporter.Accounts;
using Microsoft.AspNetCore.Http;
using Prometheus;

namespace Exporter.Web;

/// <summary>The metrics page: negotiates its form and copies what prometheus-net has encoded already.</summary>
internal sealed class MetricsEndpoint(MetricsCache exposition)
{
    /// <summary>A compressed page of ten thousand series is one block, and none is kept longer than it takes to send.</summary>
    private const int LargestBlock = 128 * 1024;

    public async Task WriteAsync(HttpContext context)
    {
        var asked = context.Request.Headers;
        var (format, gzip) = (Negotiation.Format(asked.Accept), Negotiation.Gzip(asked.AcceptEncoding));
        var response = context.Response;
        response.ContentType = format == ExpositionFormat.OpenMetricsText
            ? PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding
            : PrometheusConstants.TextContentTypeWithVersionAndEncoding;
        response.Headers.Vary = "Accept, Accept-Encoding";
        if (gzip)
        {
            response.Headers.ContentEncoding = "gzip";
        }
        var page = exposition.Current(format, gzip).Page(format, gzip);
        response.ContentLength = page.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            // Kestrel's blocks have 4 kB, and more on request once the headers are written: a fifth more scrapes of a large page.
            await response.StartAsync(context.RequestAborted);
            response.BodyWriter.GetSpan((int)Math.Min(page.Length, LargestBlock));
            page.WriteTo(response.BodyWriter);
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
