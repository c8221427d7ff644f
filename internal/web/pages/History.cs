using Exporter.Metrics;
using Exporter.Accounts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>
/// The readings of the last 24 hours, in memory and bounded: of each series at most 288 points, a point in five minutes once a day is
/// full, and no more than <see cref="MostSeries"/> series. Filled when a feed has a new reading. Safe for concurrent use.
/// </summary>
internal sealed class History(IReadOnlyList<Account> accounts, TimeProvider time, ILogger<History> logger) : BackgroundService
{
    /// <summary>With 288 points of 8 bytes each: a little over 2 MiB.</summary>
    public const int MostSeries = 1000;

    /// <summary>What is pushed to us may come many times a second; it is looked at no more often than this.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly Dictionary<Line, Track> tracks = [];

    /// <summary>The account's series, by metric and labels. A copy.</summary>
    public IReadOnlyList<Recorded> Of(Account account)
    {
        lock (gate)
        {
            return [.. tracks.Where(t => t.Key.Account == account.Name).Select(t => new Recorded(t.Key.Metric, t.Key.Labels, [.. t.Value.Points]))
                .OrderBy(r => r.Metric, StringComparer.Ordinal).ThenBy(r => r.Labels.ToString(), StringComparer.Ordinal)];
        }
    }

    /// <summary>Takes a reading's gauges; moments in time are none.</summary>
    public void Record(Account account, IEnumerable<MetricFamily> families, DateTimeOffset at)
    {
        lock (gate)
        {
            foreach (var family in families.Where(f => f.Kind is MetricKind.Gauge && !Quantity.IsMoment(f)))
            {
                foreach (var (labels, value) in family.Samples)
                {
                    var key = new Line(account.Name, family.Name, labels);
                    if (!tracks.TryGetValue(key, out var track) && tracks.Count < MostSeries)
                    {
                        tracks[key] = track = new Track();
                    }
                    track?.Add(at, value);
                }
            }
            foreach (var (key, track) in tracks.Where(t => t.Key.Account == account.Name).ToList())
            {
                if (track.EndsBefore(at))
                {
                    tracks.Remove(key);
                }
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(accounts.Where(a => a.ReadingSource is not null).Select(a => FollowAsync(a, a.ReadingSource!, stoppingToken)));

    private async Task FollowAsync(Account account, IReadingSource feed, CancellationToken cancellationToken)
    {
        DateTimeOffset? last = null;
        try
        {
            while (true)
            {
                var changed = feed.Changed;
                if (feed.Status.ReadAt is { } at && at != last)
                {
                    last = at;
                    Record(account, feed.Collect(time.GetUtcNow()).Families, at);
                    await Task.Delay(Least, time, cancellationToken);
                }
                await changed.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: its plots have ended", account.Name);
        }
    }

    private sealed record Line(string Account, string Metric, LabelSet Labels);
}

/// <summary>A series as it was recorded, oldest point first.</summary>
internal sealed record Recorded(string Metric, LabelSet Labels, IReadOnlyList<Point> Points);

/// <param name="At">Unix seconds.</param>
internal readonly record struct Point(uint At, float Value);

/// <summary>
/// The points of one series. In each interval the last value counts. The interval begins small, so that a plot has something to show
/// after minutes, and doubles whenever there are too many points, until they cover a day. Not thread-safe.
/// </summary>
internal sealed class Track
{
    public const int MostPoints = 288;
    private const uint Day = 24 * 60 * 60;
    private const uint Longest = Day / MostPoints;

    private readonly List<Point> points = [];
    private uint interval = 5;

    public IReadOnlyList<Point> Points => points;

    public void Add(DateTimeOffset at, double value)
    {
        var seconds = (uint)Math.Clamp(at.ToUnixTimeSeconds(), 0, uint.MaxValue);
        if (!double.IsFinite(value))
        {
            return;
        }
        // The clock was set back: what it told before lies in the future now.
        points.RemoveAll(p => p.At > seconds);
        Put(new Point(seconds, (float)value));
        points.RemoveAll(p => p.At + Day <= seconds);
        while (points.Count > MostPoints && interval < Longest)
        {
            interval = Math.Min(interval * 2, Longest);
            Point[] finer = [.. points];
            points.Clear();
            Array.ForEach(finer, Put);
        }
        if (points.Count > MostPoints)
        {
            points.RemoveAt(0);
        }
    }

    public bool EndsBefore(DateTimeOffset at) => points.Count == 0 || points[^1].At + Day <= at.ToUnixTimeSeconds();

    private void Put(Point point)
    {
        if (points.Count > 0 && points[^1].At / interval == point.At / interval)
        {
            points[^1] = point;
        }
        else
        {
            points.Add(point);
        }
    }
}
