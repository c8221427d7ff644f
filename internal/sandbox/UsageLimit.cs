namespace Exporter.Sandbox;

/// <summary>The maximum number of requests of one user in a sliding window.</summary>
public sealed record UsageWindow(int Requests, TimeSpan Within);

/// <summary>Limits requests per user, as providers do. Rejected requests do not count. Thread-safe.</summary>
internal sealed class UsageLimit(TimeProvider time, IReadOnlyList<UsageWindow> windows)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, List<DateTimeOffset>> served = [];

    /// <summary>Null if the request is allowed, otherwise the time until the next one is.</summary>
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
