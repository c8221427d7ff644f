namespace Exporter.Accounts;

/// <summary>A wait that ends by either clock: the wall clock alone would be late after it was set back, the monotonic one alone after the machine slept.</summary>
public sealed class Pause(DateTimeOffset until, TimeProvider time)
{
    private readonly long began = time.GetTimestamp();
    private readonly TimeSpan whole = until - time.GetUtcNow();

    /// <summary>Nothing or less when it is over.</summary>
    public TimeSpan Left => TimeSpan.FromTicks(Math.Min((until - time.GetUtcNow()).Ticks, (whole - time.GetElapsedTime(began)).Ticks));
}
