using Prometheus;

namespace Exporter.Postgres;

/// <summary>
/// The metrics page of all accounts together: their numbers, their readings, and what this replica's process does. Every replica returns the same
/// accounts. Safe for concurrent use.
/// </summary>
internal sealed class SharedMetrics(OverviewCache overview, ReadingPages readings, MetricsCache process, TimeProvider time) : IMetricsSource
{
    /// <summary>With more accounts, the page of all of them takes too long for a scrape.</summary>
    public const int MostOnOnePage = 10_000;

    private volatile Encoded? latest;

    public async ValueTask<MetricsPage> PageAsync(ExpositionFormat format, bool gzip, Shard? shard, CancellationToken cancellationToken)
    {
        if (shard is not null)
        {
            return new MetricsPage(format, gzip, readings.Of(shard, format, gzip));
        }
        // A replica that is ready has counted the rows, so this does not wait.
        var current = await overview.GetAsync(cancellationToken);
        var encoded = latest;
        if (!ReferenceEquals(encoded?.Overview, current))
        {
            latest = encoded = new Encoded(current, EncodedMetrics.Of(new FamilyGroup(LabelSet.Empty, Families(current, time.GetUtcNow()))));
        }
        EncodedMetrics[] each = readings.Count > MostOnOnePage ? [] : readings.All(format, gzip);
        return new MetricsPage(format, gzip, [encoded!.Metrics, .. each, EncodedMetrics.Of(process.Process)]);
    }

    private static IReadOnlyList<MetricFamily> Families(Overview overview, DateTimeOffset now)
    {
        IEnumerable<Sample> PerState(Func<StateCount, double> value) => overview.States.Select(
            count => new Sample(LabelSet.Of(("source", count.Source), ("state", count.State)), value(count)));

        IEnumerable<Sample> PerSource(Func<StateCount, double> value) => overview.States.GroupBy(count => count.Source).Select(
            source => new Sample(LabelSet.Of(("source", source.Key)), source.Sum(value)));

        IEnumerable<Sample> Lag() => overview.States.GroupBy(count => count.Source).Select(source => new Sample(
            LabelSet.Of(("source", source.Key)), source.Min(count => count.OldestDue) is { } due ? Math.Max(0, (now - due).TotalSeconds) : 0));

        IEnumerable<Sample> Readings(Func<ReadingCount, double> value) => overview.Readings.Select(
            count => new Sample(LabelSet.Of(("source", count.Source)), value(count)));

        IEnumerable<Sample> Outcomes(Func<OutcomeCount, bool> isWanted, Func<OutcomeCount, LabelSet> labels) =>
            overview.Outcomes.Where(isWanted).Select(count => new Sample(labels(count), count.Value));

        return
        [
            MetricFamily.Gauge("exporter_accounts", "The accounts of the shared store, by the state of their token.", PerState(c => c.Accounts)),
            MetricFamily.Gauge("exporter_accounts_login_required", "The accounts that do not work until a user logs in.",
                PerSource(c => c.NeedLogin)),
            MetricFamily.Gauge("exporter_renewals_due", "The renewals that are due and that no replica has taken.", PerSource(c => c.Due)),
            MetricFamily.Gauge("exporter_renewals_in_flight", "The renewals whose result is not saved yet, of all replicas.",
                PerSource(c => c.InFlight)),
            MetricFamily.Gauge("exporter_renewals_in_doubt", "The renewals that have been in flight for more than 30 seconds.",
                PerSource(c => c.InDoubt)),
            MetricFamily.Gauge("exporter_renewals_lag_seconds", "How long the renewal that is most overdue has been due.", Lag()),
            MetricFamily.Counter("exporter_renewals_total", "Successful renewals of all replicas.",
                Outcomes(c => c.Name == "renewed", c => LabelSet.Of(("source", c.Source)))),
            MetricFamily.Counter("exporter_renewal_failures_total", "Failed renewals of all replicas, by reason.",
                Outcomes(c => c.Name is not ("renewed" or "skipped"), c => LabelSet.Of(("source", c.Source), ("reason", c.Name)))),
            MetricFamily.Gauge("exporter_readings_due", "The polls that are due and that no replica has taken.", Readings(c => c.Due)),
            MetricFamily.Gauge("exporter_readings_lag_seconds", "How long the poll that is most overdue has been due.",
                Readings(c => c.OldestDue is { } due ? Math.Max(0, (now - due).TotalSeconds) : 0)),
            MetricFamily.Gauge("exporter_streams_owned", "The streams that a replica keeps connected.", Readings(c => c.Streams)),
            MetricFamily.Gauge("exporter_accounts_counted_timestamp_seconds", "When these numbers were read from the database.",
                overview.At.ToUnixTimeMilliseconds() / 1000.0),
        ];
    }

    private sealed record Encoded(Overview Overview, EncodedMetrics Metrics);
}
