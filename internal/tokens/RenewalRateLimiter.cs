namespace Exporter.Tokens;

/// <summary>
/// Limits the rate of renewals after a first burst. Safe for concurrent use. The framework's rate limiters do not accept a
/// <see cref="TimeProvider"/>.
/// </summary>
public sealed class RenewalRateLimiter(TimeProvider time, int perSecond = 20, int burst = 20)
{
    private readonly Lock gate = new();
    private long free = long.MinValue;

    /// <summary>Completes when the caller may send its request. Generic cell rate algorithm: one number is the whole state.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var interval = time.TimestampFrequency / perSecond;
        TimeSpan wait;
        lock (gate)
        {
            var now = time.GetTimestamp();
            free = Math.Max(free, now - (interval * burst)) + interval;
            wait = TimeSpan.FromSeconds(Math.Max(0, free - now) / (double)time.TimestampFrequency);
        }
        return wait == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, time, cancellationToken);
    }
}
