using System.Collections.Concurrent;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>The registry that counts calls to providers: one for all accounts of a container.</summary>
public sealed class ApiMetrics
{
    /// <summary>How to remove the series of each account. A name occurs once for each series.</summary>
    private readonly ConcurrentDictionary<(string Account, object Collector, LabelSet Labels), Action> removals = new();

    public ApiMetrics()
    {
        Factory = Prometheus.Metrics.WithCustomRegistry(Registry);
        // An exemplar would contain the ID of a trace that the exporter does not collect.
        Factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public IMetricFactory Factory { get; }

    /// <summary>The series of an account with these labels.</summary>
    internal T SeriesOf<T>(string account, Collector<T> collector, LabelSet labels) where T : ChildBase
    {
        removals.TryAdd((account, collector, labels), () => collector.RemoveLabelled(labels.Values));
        return collector.WithLabels(labels.Values);
    }

    /// <summary>Removes the series of all accounts with other names. The help of a metric stays: the library removes no collector.</summary>
    internal void RemoveExcept(IEnumerable<string> names)
    {
        var kept = names.ToHashSet(StringComparer.Ordinal);
        foreach (var series in removals.Keys.Where(series => !kept.Contains(series.Account)))
        {
            if (removals.TryRemove(series, out var remove))
            {
                remove();
            }
        }
    }

    internal Counter.Child Retries(string source) =>
        Factory.CreateCounter("exporter_api_retries_total", "Retries of API reads after a temporary failure.", ["source"]).WithLabels(source);

    internal Counter.Child Timeouts(string source) =>
        Factory.CreateCounter("exporter_api_timeouts_total", "API calls that took too long and were canceled.", ["source"]).WithLabels(source);
}
