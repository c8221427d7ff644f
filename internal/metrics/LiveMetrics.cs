using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// Families whose values change more often than their series. Their registry stays, because setting values costs a fifth of filling a new
/// registry; it is replaced when a series vanishes, because a family cannot be removed from it. Not safe for concurrent use.
/// </summary>
public sealed class LiveMetrics
{
    private CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
    private HashSet<(string Name, LabelSet Labels)> before = [];

    /// <param name="families">Their help texts have no characters that OpenMetrics escapes and text 0.0.4 does not.</param>
    public EncodedMetrics Set(IReadOnlyList<MetricFamily> families)
    {
        var series = families.SelectMany(family => family.Samples, (family, sample) => (family.Name, sample.Labels)).ToHashSet();
        if (!before.IsSubsetOf(series))
        {
            registry = Prometheus.Metrics.NewCustomRegistry();
        }
        before = series;
        return EncodedMetrics.Of(registry.Register([new FamilyGroup(LabelSet.Empty, families)], ExpositionFormat.PrometheusText));
    }
}
