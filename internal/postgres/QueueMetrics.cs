using Prometheus;

namespace Exporter.Postgres;

/// <summary>The metrics of this replica's work, and whether the database can be reached. Safe for concurrent use.</summary>
internal sealed class QueueMetrics
{
    private readonly Gauge renewals;
    private readonly Gauge polls;
    private readonly Gauge streams;
    private readonly Gauge reachable;
    private readonly Counter fenced;
    private readonly Histogram database;
    private readonly TimeProvider time;
    private long unreachableSince;

    /// <param name="registry">Of the process.</param>
    public QueueMetrics(CollectorRegistry registry, TimeProvider time)
    {
        this.time = time;
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        renewals = metrics.CreateGauge("exporter_store_renewals_in_flight", "Renewals of this replica that are sent or not saved yet.");
        polls = metrics.CreateGauge("exporter_store_polls_in_flight", "Polls of this replica that are running or not saved yet.");
        streams = metrics.CreateGauge("exporter_store_streams", "Streams that this replica owns.");
        fenced = metrics.CreateCounter("exporter_store_fenced_total", "Renewals that this replica did not send, because it was too slow.");
        database = metrics.CreateHistogram("exporter_store_operation_duration_seconds", "Time until the database answered this replica.",
            new HistogramConfiguration { LabelNames = ["operation"], Buckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10] });
        reachable = metrics.CreateGauge("exporter_store_reachable", "Whether this replica reached the database at its last attempt.");
    }

    /// <summary>Since when the database cannot be reached; null if it can.</summary>
    public DateTimeOffset? UnreachableSince =>
        Interlocked.Read(ref unreachableSince) is not 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public void Started(string operation) => GaugeOf(operation).Inc();

    public void Ended(string operation) => GaugeOf(operation).Dec();

    public void Own(int count) => streams.Set(count);

    public void Fenced() => fenced.Inc();

    public void Reached()
    {
        Interlocked.Exchange(ref unreachableSince, 0);
        reachable.Set(1);
    }

    /// <returns>Whether the database could be reached before.</returns>
    public bool Unreached(DateTimeOffset now)
    {
        reachable.Set(0);
        return Interlocked.CompareExchange(ref unreachableSince, now.UtcTicks, 0) == 0;
    }

    private Gauge GaugeOf(string operation) => operation == PollWorker.Operation ? polls : renewals;

    public async Task<T> MeasureAsync<T>(string operation, Func<Task<T>> work)
    {
        var started = time.GetTimestamp();
        var result = await work();
        database.WithLabels(operation).Observe(time.GetElapsedTime(started).TotalSeconds);
        return result;
    }
}
