using Prometheus;

namespace Exporter.Web;

/// <summary>Counts requests with prometheus-net's middleware, under the exporter's own metric names.</summary>
internal static class HttpMetrics
{
    // Five values, so that no client can create series.
    private static readonly string[] Classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];

    public static void UseHttpMetrics(this IApplicationBuilder app, IMetricFactory metrics)
    {
        var requests = metrics.CreateCounter("exporter_http_requests_total", "HTTP requests, by class of the status code.", ["class"]);
        Array.ForEach(Classes, name => requests.WithLabels(name).Publish());
        app.UseHttpMetrics(options =>
        {
            options.CaptureMetricsUrl = true;
            options.RequestDuration.Enabled = false;
            options.RequestCount.Counter = requests;
            options.RequestCount.CustomLabels.Add(new("class", context => Classes[Math.Clamp(context.Response.StatusCode / 100, 1, 5) - 1]));
            options.InProgress.Gauge = metrics.CreateGauge(
                "exporter_http_requests_in_flight", "HTTP requests in progress, this one included.", Array.Empty<string>());
        });
    }
}
