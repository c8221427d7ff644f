namespace Exporter.Tokens;

/// <summary>
/// A clock for limits: its timers count only the time in which this process ran. After SIGSTOP or <c>docker pause</c>, the response that
/// arrived meanwhile is in the socket. A limit that ends then would lose a single-use refresh token. A timer counts in short steps, and a
/// step that fires late shows the stop: it does not count. Two late steps in a row show a slow machine. Periodic timers are those of the clock
/// below.
/// </summary>
public sealed class RunningTime(TimeProvider time) : TimeProvider
{
    internal static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    public override long TimestampFrequency => time.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan)
        {
            return time.CreateTimer(callback, state, dueTime, period);
        }
        var timer = new RunningTimer(time, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class RunningTimer : ITimer
    {
        private readonly TimeProvider time;
        private readonly Action fire;
        private readonly ITimer timer;
        private readonly Lock gate = new();
        private TimeSpan left;
        private TimeSpan step;
        private long started;
        private bool isAfterStop;

        public RunningTimer(TimeProvider time, Action fire)
        {
            (this.time, this.fire) = (time, fire);
            timer = time.CreateTimer(_ => Count(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (gate)
            {
                left = dueTime;
                return dueTime == Timeout.InfiniteTimeSpan ? timer.Change(dueTime, period) : Continue();
            }
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();

        private bool Continue()
        {
            (step, started) = (left < Step ? left : Step, time.GetTimestamp());
            return timer.Change(step, Timeout.InfiniteTimeSpan);
        }

        private void Count()
        {
            lock (gate)
            {
                if (left == Timeout.InfiniteTimeSpan)
                {
                    return;
                }
                isAfterStop = !isAfterStop && time.GetElapsedTime(started) >= step + Step;
                left -= isAfterStop ? TimeSpan.Zero : step;
                if (left > TimeSpan.Zero)
                {
                    Continue();
                    return;
                }
            }
            fire();
        }
    }
}
