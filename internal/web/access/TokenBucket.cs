namespace Exporter.Web;

/// <summary>
/// A token bucket over all requests, as in exporter-toolkit: <paramref name="burst"/> at once, then one per <paramref name="interval"/>.
/// The framework's <c>TokenBucketRateLimiter</c> does not use a <see cref="TimeProvider"/>. Safe for concurrent use.
/// </summary>
internal sealed class TokenBucket(TimeSpan interval, int burst, TimeProvider time)
{
    private readonly Lock gate = new();
    private double available = burst;
    private long lastRefill = time.GetTimestamp();

    public bool TryTake()
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            available = Math.Min(burst, available + time.GetElapsedTime(lastRefill, now) / interval);
            lastRefill = now;
            if (available < 1)
            {
                return false;
            }
            available--;
            return true;
        }
    }
}
