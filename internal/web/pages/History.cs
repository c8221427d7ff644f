namespace Exporter.Web;

/// <summary>
/// The readings of the last 24 hours, in memory: at most 288 points per series, which is a point every five minutes of a day, and at most
/// <see cref="MaxSeries"/> series. A feed's new reading adds to it. Safe for concurrent use.
/// </summary>
internal sealed class History(AccountList accounts, TimeProvider time, ILogger<History> logger) : BackgroundService
{
    /// <summary>With 288 points of 8 bytes each: a little over 2 MiB.</summary>
    public const int MaxSeries = 1000;

    /// <summary>Pushed readings can change many times a second; a change within this interval is recorded after it.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly Dictionary<SeriesKey, TimeSeries> series = [];
    private long recorded;

    /// <summary>A copy of the account's series, in the order in which they were first recorded.</summary>
    public IReadOnlyList<RecordedSeries> Of(Account account)
    {
        lock (gate)
        {
            return [.. series.Where(s => s.Key.Account == account).OrderBy(s => s.Value.Order)
                .Select(s => new RecordedSeries(s.Key.Label, s.Key.Unit, s.Value.Decimals, s.Key.Card, [.. s.Value.Points]))];
        }
    }

    /// <summary>Whether <see cref="Of"/> returns something.</summary>
    public bool Has(Account account)
    {
        lock (gate)
        {
            return series.Keys.Any(key => key.Account == account);
        }
    }

    /// <summary>Records the numbers that the source wants to be plotted.</summary>
    public void Record(Account account, Presentation presentation, DateTimeOffset at)
    {
        lock (gate)
        {
            foreach (var card in presentation.Cards)
            {
                foreach (var line in card.Lines.Concat(card.Details).Where(line => line.IsPlotted))
                {
                    if (line.Value is not ReadingValue.Number number)
                    {
                        continue;
                    }
                    var key = new SeriesKey(account, line.Label, number.Unit, card.Title);
                    if (!series.TryGetValue(key, out var points) && series.Count < MaxSeries)
                    {
                        series[key] = points = new TimeSeries { Order = recorded++, Decimals = number.Decimals };
                    }
                    points?.Add(at, number.Value);
                }
            }
            foreach (var key in series.Where(s => s.Key.Account == account && s.Value.IsExpired(at)).Select(s => s.Key).ToList())
            {
                series.Remove(key);
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        accounts.ForEachAsync(
            (account, cancellationToken) => account.ReadingSource is { } feed ? FollowAsync(account, feed, cancellationToken) : Task.CompletedTask,
            stoppingToken);

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
                    Record(account, feed.Present(time.GetUtcNow()), at);
                    await Task.Delay(MinInterval, time, cancellationToken);
                }
                await changed.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Forget(account);
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: unexpected error; its plots are no longer updated", account.Name);
        }
    }

    /// <summary>Drops the series of an account that left the list, or of all accounts when the program stops.</summary>
    private void Forget(Account account)
    {
        lock (gate)
        {
            foreach (var key in series.Keys.Where(key => key.Account == account).ToList())
            {
                series.Remove(key);
            }
        }
    }

    private sealed record SeriesKey(Account Account, string Label, string Unit, string Card);
}

/// <summary>A recorded line of a card, oldest point first.</summary>
internal sealed record RecordedSeries(string Label, string Unit, int Decimals, string Card, IReadOnlyList<Point> Points);

/// <param name="At">Unix seconds.</param>
internal readonly record struct Point(uint At, float Value);

/// <summary>
/// The points of one series, the last value of each interval. The interval starts small, so that a plot shows something within minutes, and
/// doubles whenever there are too many points, until they cover a day. Not thread-safe.
/// </summary>
internal sealed class TimeSeries
{
    public const int MaxPoints = 288;
    private const uint Day = 24 * 60 * 60;
    private const uint MaxInterval = Day / MaxPoints;

    private readonly List<Point> points = [];
    private uint interval = 5;

    public IReadOnlyList<Point> Points => points;

    /// <summary>When the series was first recorded, compared with others.</summary>
    public long Order { get; init; }

    public int Decimals { get; init; }

    public void Add(DateTimeOffset at, double value)
    {
        var seconds = (uint)Math.Clamp(at.ToUnixTimeSeconds(), 0, uint.MaxValue);
        if (!double.IsFinite(value))
        {
            return;
        }
        // After the clock was set back, older points are in the future.
        points.RemoveAll(p => p.At > seconds);
        Append(new Point(seconds, (float)value));
        points.RemoveAll(p => p.At + Day <= seconds);
        while (points.Count > MaxPoints && interval < MaxInterval)
        {
            interval = Math.Min(interval * 2, MaxInterval);
            Point[] finer = [.. points];
            points.Clear();
            Array.ForEach(finer, Append);
        }
        if (points.Count > MaxPoints)
        {
            points.RemoveAt(0);
        }
    }

    /// <summary>Whether the last point is more than a day old.</summary>
    public bool IsExpired(DateTimeOffset at) => points.Count == 0 || points[^1].At + Day <= at.ToUnixTimeSeconds();

    private void Append(Point point)
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
