using Exporter.Metrics;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>Requests answered, by class of status: four numbers, so that nobody outside can make series.</summary>
internal sealed class HttpMetrics
{
    private static readonly string[] Classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];

    private readonly long[] answered = new long[Classes.Length];
    private long inFlight;

    public IEnumerable<LiveFamily> Families =>
    [
        LiveFamily.Counter("exporter_http_requests_total", "Requests answered, by class of status.",
            Classes.Select((name, i) => new LiveSeries(LabelSet.Of(("class", name)), () => Interlocked.Read(ref answered[i])))),
        LiveFamily.Gauge("exporter_http_requests_in_flight", "Requests being answered, this one included.", () => Interlocked.Read(ref inFlight)),
    ];

    public async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref inFlight);
        try
        {
            await next(context);
        }
        finally
        {
            Interlocked.Decrement(ref inFlight);
            Interlocked.Increment(ref answered[Math.Clamp(context.Response.StatusCode / 100, 1, 5) - 1]);
        }
    }
}
