namespace Exporter.Web;

/// <summary>
/// A token bucket over all requests, as in exporter-toolkit: <paramref name="burst"/> at once, then one per <paramref name="interval"/>.
/// The framework's <c>TokenBucketRateLimiter</c> does not follow a <see cref="TimeProvider"/>. Safe for concurrent use.
/// </summary>
internal sealed class RateLimit(TimeSpan interval, int burst, TimeProvider time)
{
    private readonly Lock gate = new();
    private double left = burst;
    private long last = time.GetTimestamp();

    public bool TryTake()
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            left = Math.Min(burst, left + time.GetElapsedTime(last, now) / interval);
            last = now;
            if (left < 1)
            {
                return false;
            }
            left--;
            return true;
        }
    }
}
