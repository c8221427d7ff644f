namespace Exporter.Tokens;

/// <summary>
/// A time that is due by the wall clock or by the monotonic clock, whichever comes first. The wall clock alone is late after it is set back,
/// the monotonic clock alone after the machine was suspended. Safe for concurrent use.
/// </summary>
public sealed class Deadline(DateTimeOffset at, TimeProvider time)
{
    private readonly long started = time.GetTimestamp();
    private readonly TimeSpan wait = at - time.GetUtcNow();

    public DateTimeOffset At => at;

    public bool IsDue => Left <= TimeSpan.Zero;

    /// <summary>The remaining wait; zero or negative when the deadline is due.</summary>
    public TimeSpan Left => TimeSpan.FromTicks(Math.Min((at - time.GetUtcNow()).Ticks, (wait - time.GetElapsedTime(started)).Ticks));
}
