using System.Globalization;
using Exporter.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>
/// Counts an account's calls to its provider, because providers limit how they are used. A source that publishes more than the requests
/// overrides <see cref="Count"/>. Thread-safe.
/// </summary>
/// <param name="prefix">The source's own, without the underscore.</param>
/// <param name="provider">Its name, for the help texts.</param>
public abstract class ApiCalls(AccountContext context, string prefix, string provider)
{
    private static readonly HttpRequestOptionsKey<ApiCalls> Option = new("Exporter.Accounts.ApiCalls");

    private readonly IMetricFactory metrics = context.Services.GetRequiredService<ApiMetrics>().Factory;
    private readonly TimeProvider time = context.Time;
    private readonly LabelSet shared = context.Labelled ? LabelSet.Of(("account", context.Name)) : LabelSet.Empty;

    /// <summary>A handler that counts the requests that were marked; the innermost, so that a retry is a call of its own.</summary>
    public static DelegatingHandler CreateHandler() => new Handler();

    /// <summary>Lets the request be counted here. It carries this in its options, so that one client serves many accounts.</summary>
    public void Mark(HttpRequestMessage request) => request.Options.Set(Option, this);

    /// <summary>The word for a request, of a small set: it becomes a label.</summary>
    protected abstract string OperationOf(HttpRequestMessage request);

    /// <param name="code">The HTTP status, or <c>none</c> where there was no answer.</param>
    /// <param name="retryAfter">How long the provider asked to wait, if it did.</param>
    protected virtual void Count(string operation, string code, TimeSpan took, TimeSpan? retryAfter) => Counter(
        $"{prefix}_api_requests_total", $"Calls of {provider}'s API, by operation and HTTP status; none where there was no answer. As of the last poll.",
        ("operation", operation), ("code", code)).Inc();

    // The library returns the collector of that name that it has already. It is created when it is first used, because the library
    // writes a collector without series as a family.
    protected Counter.Child Counter(string name, string help, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var all = LabelSet.Of([.. shared.Labels, .. labels]);
        return metrics.CreateCounter(name, help, all.Names).WithLabels(all.Values);
    }

    protected Gauge.Child Gauge(string name, string help, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var all = LabelSet.Of([.. shared.Labels, .. labels]);
        return metrics.CreateGauge(name, help, all.Names).WithLabels(all.Values);
    }

    protected Histogram.Child Histogram(string name, string help, double[] bounds, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var all = LabelSet.Of([.. shared.Labels, .. labels]);
        return metrics.CreateHistogram(name, help, all.Names, new HistogramConfiguration { Buckets = bounds }).WithLabels(all.Values);
    }

    private async Task<HttpResponseMessage> CountAsync(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send)
    {
        var (operation, started) = (OperationOf(request), time.GetTimestamp());
        try
        {
            var response = await send();
            var wait = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;
            Count(operation, ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture), time.GetElapsedTime(started), wait > TimeSpan.Zero ? wait : null);
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
