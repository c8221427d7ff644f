namespace Exporter.Sandbox;

/// <summary>At most so many requests of one user within a sliding window.</summary>
public sealed record UsageWindow(int Requests, TimeSpan Within);

/// <summary>Counts requests per user against windows, as rate-limited providers do. Refused requests are not counted. Thread-safe.</summary>
internal sealed class UsageLimit(TimeProvider time, IReadOnlyList<UsageWindow> windows)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, List<DateTimeOffset>> served = [];

    /// <summary>Null where the request may pass, else how long until one may again.</summary>
    public TimeSpan? Take(string user)
    {
        if (windows.Count == 0)
        {
            return null;
        }
        lock (gate)
        {
            var now = time.GetUtcNow();
            var times = served.TryGetValue(user, out var known) ? known : served[user] = [];
            times.RemoveAll(at => at <= now - windows.Max(window => window.Within));
            foreach (var (requests, within) in windows)
            {
                if (times.Count >= requests && times[^requests] > now - within)
                {
                    return times[^requests] + within - now;
                }
            }
            times.Add(now);
            return null;
        }
    }
}
