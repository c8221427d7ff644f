using Prometheus;

namespace Exporter.Accounts;

/// <summary>Makes the metrics page. A program without one serves the page of its <see cref="MetricsCache"/>. Safe for concurrent use.</summary>
public interface IMetricsSource
{
    ValueTask<MetricsPage> PageAsync(ExpositionFormat format, bool gzip, CancellationToken cancellationToken);
}
