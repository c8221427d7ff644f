using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// Families whose values change more often than their series. The registry is reused, because setting values costs a fifth of filling a new
/// registry. It is replaced when a series disappears, because prometheus-net cannot remove a family. Not safe for concurrent use.
/// </summary>
public sealed class LiveMetrics
{
    private CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
    private HashSet<(string Name, LabelSet Labels)> before = [];

    /// <param name="families">Families without quotation marks in their help texts, because only OpenMetrics escapes these.</param>
    public EncodedMetrics Set(IReadOnlyList<MetricFamily> families)
    {
        var series = families.SelectMany(family => family.Samples, (family, sample) => (family.Name, sample.Labels)).ToHashSet();
        if (!before.IsSubsetOf(series))
        {
            registry = Prometheus.Metrics.NewCustomRegistry();
        }
        before = series;
        return EncodedMetrics.Of(registry.Register(new FamilyGroup(LabelSet.Empty, families), ExpositionFormat.PrometheusText));
    }
}
