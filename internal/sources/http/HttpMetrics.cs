namespace Exporter.Http;

/// <summary>Converts a reading to metrics, without series that are stale.</summary>
internal static class HttpMetrics
{
    public const string Duplicates = "exporter_http_duplicate_series";

    public static ReadingMetrics From(HttpReading reading, DateTimeOffset now)
    {
        var families = reading.Series.Select(series => Family(series.Metric, [.. series.Samples.Where(sample => IsFresh(sample, now))])).ToList();
        families.Add(MetricFamily.Gauge(
            Duplicates, "Series of the last reading that are not exported because an earlier one has the same labels.",
                reading.Duplicates.Values.Sum()));
        var changesAt = reading.Series.SelectMany(series => series.Samples).Where(sample => sample.StaleAt > now).Min(sample => sample.StaleAt);
        return new ReadingMetrics(families, changesAt) { Notice = reading.Notices.Count > 0 ? string.Join(' ', reading.Notices) : null };
    }

    public static bool IsFresh(HttpSample sample, DateTimeOffset now) => !(sample.StaleAt <= now);

    private static MetricFamily Family(ModuleMetric metric, IReadOnlyList<HttpSample> samples) => metric.Kind switch
    {
        MetricKind.Counter => MetricFamily.Counter(metric.Name, metric.Help, samples.Select(Value)),
        MetricKind.Info => MetricFamily.Info(metric.Name, metric.Help, samples.Select(sample => sample.Labels)),
        MetricKind.StateSet => MetricFamily.StateSet(
            metric.Name, metric.Help, "state", samples.Select(sample => new StateSample(sample.Labels, sample.State!)), metric.States),
        _ => MetricFamily.Gauge(metric.Name, metric.Help, samples.Select(Value)),
    };

    private static Sample Value(HttpSample sample) => new(sample.Labels, sample.Value);
}
