using Prometheus;

namespace Exporter.Accounts;

/// <summary>The registry in which calls to providers are counted: one for all accounts of a container, and as long-lived.</summary>
public sealed class ApiMetrics
{
    public ApiMetrics()
    {
        Factory = Prometheus.Metrics.WithCustomRegistry(Registry);
        // An exemplar would be the ID of a trace that nothing collects.
        Factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public IMetricFactory Factory { get; }
}
