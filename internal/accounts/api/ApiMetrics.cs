using Prometheus;

namespace Exporter.Accounts;

/// <summary>The registry that counts calls to providers: one for all accounts of a container.</summary>
public sealed class ApiMetrics
{
    public ApiMetrics()
    {
        Factory = Prometheus.Metrics.WithCustomRegistry(Registry);
        // An exemplar would contain the ID of a trace that the exporter does not collect.
        Factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public IMetricFactory Factory { get; }

    internal Counter.Child Retries(string source) =>
        Factory.CreateCounter("exporter_api_retries_total", "Retries of API reads after a temporary failure.", ["source"]).WithLabels(source);

    internal Counter.Child Timeouts(string source) =>
        Factory.CreateCounter("exporter_api_timeouts_total", "API calls that took too long and were canceled.", ["source"]).WithLabels(source);
}
