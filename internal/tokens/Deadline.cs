namespace Exporter.Tokens;

/// <summary>
/// A point in time on both clocks. The wall clock alone would be late after a step back, and the monotonic clock alone after the machine
/// slept. Whichever clock gets there first counts. Immutable.
/// </summary>
/// <param name="At">On the wall clock.</param>
/// <param name="Timestamp">On the monotonic clock, as in <see cref="TimeProvider.GetTimestamp"/>.</param>
public sealed record Deadline(DateTimeOffset At, long Timestamp)
{
    /// <summary>64 bits of nanoseconds overflow after 292 years, and some providers return the year 9999 for "never".</summary>
    private static readonly TimeSpan Furthest = TimeSpan.FromDays(3650);

    /// <summary>No wait is longer in one piece.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    public static Deadline Of(DateTimeOffset at, TimeProvider time) => Of(at, Instant.Now(time));

    /// <summary>How long until this deadline; zero or less when it has passed.</summary>
    public TimeSpan Left(TimeProvider time)
    {
        var (wall, monotonic) = (At - time.GetUtcNow(), (Timestamp - time.GetTimestamp()) / (double)time.TimestampFrequency);
        return wall.TotalSeconds < monotonic ? wall : TimeSpan.FromSeconds(monotonic);
    }

    /// <summary>
    /// Completes at this deadline, after <see cref="LongestWait"/>, or when one of the tasks completes. Call it in a loop, so that a clock
    /// that is set or a machine that is suspended delays nothing for longer.
    /// </summary>
    public async Task WaitAsync(TimeProvider time, IEnumerable<Task> tasks, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Task.Delay truncates to milliseconds, and would not wait at all for less than one.
        var milliseconds = Math.Clamp(Math.Ceiling(Left(time).TotalMilliseconds), 0, LongestWait.TotalMilliseconds);
        var delay = Task.Delay(TimeSpan.FromMilliseconds(milliseconds), time, done.Token);
        // The machine can be suspended before the timer starts.
        if (!IsDue(time))
        {
            await Task.WhenAny([delay, .. tasks]);
        }
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    internal static Deadline Of(DateTimeOffset at, Instant now)
    {
        var ahead = Math.Clamp((at - now.Utc).TotalSeconds, 0, Furthest.TotalSeconds);
        return new Deadline(at, now.Timestamp + (long)(ahead * now.Frequency));
    }

    public bool IsDue(TimeProvider time) => HasPassed(Instant.Now(time));

    internal bool HasPassed(Instant now) => At <= now.Utc || Timestamp <= now.Timestamp;
}

/// <summary>One reading of both clocks.</summary>
/// <param name="Frequency">Monotonic ticks per second.</param>
internal readonly record struct Instant(DateTimeOffset Utc, long Timestamp, long Frequency)
{
    public static Instant Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp(), time.TimestampFrequency);

    public TimeSpan Since(long timestamp) => TimeSpan.FromSeconds((Timestamp - timestamp) / (double)Frequency);

    public Deadline In(TimeSpan wait) => Deadline.Of(Utc + wait, this);
}
