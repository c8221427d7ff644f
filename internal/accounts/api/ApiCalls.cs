using System.Collections.Immutable;
using System.Globalization;
using Exporter.Metrics;

namespace Exporter.Accounts;

/// <summary>One kind of call and how it was answered: an HTTP status, or <c>none</c> where there was no answer.</summary>
public readonly record struct ApiCall(string Operation, string Code);

/// <summary>Counts and times calls: clouds watch how they are used, and so does whoever looks at these. Thread-safe.</summary>
/// <param name="operation">The word for a request, of a small set: it becomes a label.</param>
public sealed class ApiCalls(Func<HttpRequestMessage, string> operation, TimeProvider time)
{
    private static readonly double[] Bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

    private static readonly HttpRequestOptionsKey<ApiCalls> Option = new("Exporter.Accounts.ApiCalls");

    private readonly Lock gate = new();
    private ImmutableSortedDictionary<ApiCall, long> counts = ImmutableSortedDictionary.Create<ApiCall, long>(
        Comparer<ApiCall>.Create((a, b) => string.CompareOrdinal(a.Operation, b.Operation) is not 0 and var order ? order : string.CompareOrdinal(a.Code, b.Code)));
    private ImmutableSortedDictionary<string, HistogramValue> durations = ImmutableSortedDictionary<string, HistogramValue>.Empty;
    private TimeSpan? retryAfter;

    /// <summary>The counts at this moment.</summary>
    public ImmutableSortedDictionary<ApiCall, long> Counts => Volatile.Read(ref counts);

    /// <summary>A handler that counts the requests that were marked; the innermost, so that a retry is a call of its own.</summary>
    public static DelegatingHandler CreateHandler() => new Counter();

    /// <summary>The request is to be counted here. It carries this in its options, so that one client serves many accounts.</summary>
    public void Mark(HttpRequestMessage request) => request.Options.Set(Option, this);

    /// <summary>The counts as families.</summary>
    /// <param name="prefix">The source's own, without the underscore.</param>
    /// <param name="cloud">Its name, for the helps.</param>
    public IReadOnlyList<MetricFamily> Families(string prefix, string cloud)
    {
        lock (gate)
        {
            return
            [
                MetricFamily.Counter($"{prefix}_api_requests_total", $"Calls of {cloud}'s API, by operation and HTTP status; none where there was no answer. As of the last poll.",
                    counts.Select(c => new Sample(LabelSet.Of(("operation", c.Key.Operation), ("code", c.Key.Code)), c.Value))),
                MetricFamily.Histogram($"{prefix}_api_request_duration_seconds", $"How long {cloud}'s API took until the headers of its answer, by operation. As of the last poll.",
                    durations.Select(d => new HistogramSample(LabelSet.Of(("operation", d.Key)), d.Value))),
                MetricFamily.Counter($"{prefix}_api_rate_limited_total", $"Calls that {cloud} refused with 429 or 423, by operation. As of the last poll.",
                    counts.GroupBy(c => c.Key.Operation).Select(o => new Sample(LabelSet.Of(("operation", o.Key)), o.Where(c => c.Key.Code is "429" or "423").Sum(c => c.Value)))),
                MetricFamily.Gauge($"{prefix}_api_retry_after_seconds", $"How long {cloud} asked to be left alone when it last did.",
                    retryAfter is { } wait ? [new Sample(LabelSet.Empty, wait.TotalSeconds)] : []),
            ];
        }
    }

    private void Count(ApiCall call, TimeSpan took, TimeSpan? wait)
    {
        lock (gate)
        {
            Volatile.Write(ref counts, counts.SetItem(call, counts.GetValueOrDefault(call) + 1));
            var before = durations.GetValueOrDefault(call.Operation) ?? new HistogramValue(Bounds, new long[Bounds.Length + 1], 0);
            var buckets = before.Counts.ToArray();
            buckets[Bounds.Count(bound => bound < took.TotalSeconds)]++;
            durations = durations.SetItem(call.Operation, new HistogramValue(Bounds, buckets, before.Sum + took.TotalSeconds));
            retryAfter = wait ?? retryAfter;
        }
    }

    private async Task<HttpResponseMessage> CountAsync(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send)
    {
        var (name, started) = (operation(request), time.GetTimestamp());
        try
        {
            var response = await send();
            var wait = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;
            Count(new(name, ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)), time.GetElapsedTime(started), wait > TimeSpan.Zero ? wait : null);
            return response;
        }
        catch
        {
            Count(new(name, "none"), time.GetElapsedTime(started), null);
            throw;
        }
    }

    private sealed class Counter : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.Options.TryGetValue(Option, out var calls)
                ? calls.CountAsync(request, () => base.SendAsync(request, cancellationToken))
                : base.SendAsync(request, cancellationToken);
    }
}
