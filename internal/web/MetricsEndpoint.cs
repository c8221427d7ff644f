using Prometheus;

namespace Exporter.Web;

/// <summary>Serves the metrics page: negotiates format and compression, and copies the page that is already encoded.</summary>
internal sealed class MetricsEndpoint(MetricsCache metrics, IEnumerable<IMetricsSource> sources, IEnumerable<IReadiness> readiness)
{
    // A compressed page of ten thousand series fits into one block. No block is kept longer than it takes to send.
    private const int MaxBlock = 128 * 1024;

    private readonly IMetricsSource? source = sources.SingleOrDefault();
    private readonly IReadiness? readiness = readiness.SingleOrDefault();

    public async Task WriteAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (readiness?.Waiting is { } waiting)
        {
            // A page without the readings would end their series. A proxy asks another replica instead.
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await response.WriteAsync($"{waiting}\n", context.RequestAborted);
            return;
        }
        Shard? shard = null;
        if (source is not null && request.Query["shard"] is [var text, ..])
        {
            (shard, var problem) = Shard.Parse(text ?? "");
            if (problem is not null)
            {
                response.StatusCode = StatusCodes.Status400BadRequest;
                await response.WriteAsync($"{problem}\n", context.RequestAborted);
                return;
            }
        }
        var (format, gzip) = (Negotiation.Format(request.Headers.Accept), Negotiation.Gzip(request.Headers.AcceptEncoding));
        response.ContentType = format == ExpositionFormat.OpenMetricsText
            ? PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding
            : PrometheusConstants.TextContentTypeWithVersionAndEncoding;
        response.Headers.Vary = "Accept, Accept-Encoding";
        if (gzip)
        {
            response.Headers.ContentEncoding = "gzip";
        }
        var page = source is null
            ? metrics.Current(format, gzip).Page(format, gzip)
            : await source.PageAsync(format, gzip, shard, context.RequestAborted);
        response.ContentLength = page.Length;
        if (!HttpMethods.IsHead(request.Method))
        {
            // Kestrel's blocks have 4 KiB, and more on request once the headers are written. Large pages are served a fifth faster this way.
            await response.StartAsync(context.RequestAborted);
            response.BodyWriter.GetSpan((int)Math.Min(page.Length, MaxBlock));
            page.WriteTo(response.BodyWriter);
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
