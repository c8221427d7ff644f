using Prometheus;

namespace Exporter.Accounts;

/// <summary>What the resilience of a source's API client did, for all its accounts since the start of the process. Thread-safe.</summary>
internal sealed class ApiTraffic(ApiMetrics metrics, string source)
{
    /// <summary>Reads that were sent again after a failure that may pass.</summary>
    public Counter.Child Retries { get; } = metrics.Factory
        .CreateCounter("exporter_api_retries_total", "Reads of a provider's API that were sent again after a failure that may pass.", ["source"]).WithLabels(source);

    /// <summary>Calls that were given up because they took too long.</summary>
    public Counter.Child Timeouts { get; } = metrics.Factory
        .CreateCounter("exporter_api_timeouts_total", "Calls of a provider's API that were given up because they took too long.", ["source"]).WithLabels(source);
}
