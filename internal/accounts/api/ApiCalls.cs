using System.Globalization;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>
/// Counts an account's calls to its provider, because providers limit them. A source with more metrics than the number of requests overrides
/// <see cref="Count"/>. Thread-safe.
/// </summary>
/// <param name="prefix">The source's metric prefix, without the underscore.</param>
/// <param name="provider">Its name, for the help texts.</param>
public abstract class ApiCalls(AccountContext context, string prefix, string provider)
{
    private static readonly HttpRequestOptionsKey<ApiCalls> Option = new("Exporter.Accounts.ApiCalls");

    private readonly ApiMetrics metrics = context.Services.GetRequiredService<ApiMetrics>();
    private readonly TimeProvider time = context.Time;
    private readonly LabelSet shared = context.HasAccountLabel ? LabelSet.Of(("account", context.Name)) : LabelSet.Empty;

    /// <summary>A handler that counts marked requests; the innermost one, so that it counts each retry.</summary>
    public static DelegatingHandler CreateHandler() => new Handler();

    /// <summary>Marks a request for counting. The request carries its counter, so that one client serves many accounts.</summary>
    public void Mark(HttpRequestMessage request) => request.Options.Set(Option, this);

    /// <summary>The value of the label <c>operation</c>, from a small set.</summary>
    protected abstract string OperationOf(HttpRequestMessage request);

    /// <param name="code">The HTTP status, or <c>none</c> without a response.</param>
    /// <param name="retryAfter">The wait that the provider requested, if any.</param>
    protected virtual void Count(string operation, string code, TimeSpan took, TimeSpan? retryAfter) => Counter(
        $"{prefix}_api_requests_total", $"Calls of {provider}'s API by operation and HTTP status, none without a response. As of the last poll.",
        ("operation", operation), ("code", code)).Inc();

    // A collector is created at its first use, because the library writes one without series as a family. Later calls return the same one.
    protected Counter.Child Counter(string name, string help, params ReadOnlySpan<(string Name, string Value)> labels) =>
        WithLabels(labels, names => metrics.Factory.CreateCounter(name, help, names));

    protected Gauge.Child Gauge(string name, string help, params ReadOnlySpan<(string Name, string Value)> labels) =>
        WithLabels(labels, names => metrics.Factory.CreateGauge(name, help, names));

    protected Histogram.Child Histogram(string name, string help, double[] bounds, params ReadOnlySpan<(string Name, string Value)> labels) =>
        WithLabels(labels, names => metrics.Factory.CreateHistogram(name, help, names, new HistogramConfiguration { Buckets = bounds }));

    private T WithLabels<T>(ReadOnlySpan<(string Name, string Value)> labels, Func<string[], Collector<T>> create) where T : ChildBase
    {
        var all = LabelSet.Of([.. shared.Labels, .. labels]);
        return metrics.SeriesOf(context.Name, create(all.Names), all);
    }

    private async Task<HttpResponseMessage> CountAsync(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send)
    {
        var (operation, started) = (OperationOf(request), time.GetTimestamp());
        try
        {
            var response = await send();
            var wait = RetryAfter.Read(response, time);
            var code = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
            Count(operation, code, time.GetElapsedTime(started), wait > TimeSpan.Zero ? wait : null);
            return response;
        }
        catch
        {
            Count(operation, "none", time.GetElapsedTime(started), null);
            throw;
        }
    }

    private sealed class Handler : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.Options.TryGetValue(Option, out var calls)
                ? calls.CountAsync(request, () => base.SendAsync(request, cancellationToken))
                : base.SendAsync(request, cancellationToken);
    }
}
