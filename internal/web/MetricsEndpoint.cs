using Exporter.Metrics;
using Exporter.Sources;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>The metrics page: negotiates its form and copies what is encoded already. Waits for nobody but the reader.</summary>
internal sealed class MetricsEndpoint(Exposition exposition, IEnumerable<MetricFamily> once, IEnumerable<LiveFamily> live)
{
    private readonly Rendered once = new(once);
    private readonly LiveFamily[] live = [.. live];

    public Task WriteAsync(HttpContext context)
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
                page.WriteTo(response.BodyWriter);
            }
        }
        return response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
    }
}
