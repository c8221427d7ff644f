namespace Exporter.Tokens.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers fire inside <see cref="Advance"/>, in order of their due time,
/// with the clock showing that time. The wall clock can be stepped apart from the monotonic one, as NTP does.
/// </summary>
public sealed class ManualTime(DateTimeOffset? start = null) : TimeProvider
{
    public static readonly DateTimeOffset Start = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly Lock gate = new();
    private readonly PriorityQueue<(ManualTimer Timer, long Version), (long Due, long Order)> timers = new();
    private DateTimeOffset wall = start ?? Start;
    private long elapsed;
    private long order;
    private int waiting;

    /// <summary>Nanoseconds, as on Linux, so that what overflows there overflows here.</summary>
    public override long TimestampFrequency => 1_000_000_000;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How many timers are waiting.</summary>
    public int Waiting { get { lock (gate) { return waiting; } } }

    /// <summary>
    /// Jumps from one waiting timer to the next until <paramref name="reached"/> says so. The clock moves only while somebody
    /// waits for it, so that work which a timer set off is done before the next; for work that waits for one timer at a time.
    /// </summary>
    public async Task AdvanceUntilAsync(Func<bool> reached, TimeSpan limit)
    {
        var end = GetUtcNow() + limit;
        while (!reached())
        {
            if (GetUtcNow() > end)
            {
                throw new TimeoutException($"It did not come about within {limit}.");
            }
            if (Waiting > 0)
            {
                Advance(ToNextTimer());
            }
            await Task.Yield();
        }
    }

    /// <summary>How long until the next timer is due.</summary>
    public TimeSpan ToNextTimer()
    {
        lock (gate)
        {
            var due = timers.UnorderedItems.Where(t => t.Element.Version == t.Element.Timer.Version).Select(t => t.Priority.Due).DefaultIfEmpty(elapsed).Min();
            return TimeSpan.FromTicks(Math.Max(0, due - elapsed));
        }
    }

    public override DateTimeOffset GetUtcNow() { lock (gate) { return wall; } }

    public override long GetTimestamp() { lock (gate) { return elapsed * TimeSpan.NanosecondsPerTick; } }

    public void Advance(TimeSpan by)
    {
        long until;
        lock (gate) { until = elapsed + by.Ticks; }
        while (true)
        {
            ManualTimer timer;
            lock (gate)
            {
                if (!timers.TryPeek(out var next, out var due) || due.Due > until)
                {
                    MoveTo(until);
                    return;
                }
                timers.Dequeue();
                if (next.Version != next.Timer.Version)
                {
                    continue;
                }
                MoveTo(due.Due);
                timer = next.Timer;
                timer.Rearm();
            }
            timer.Fire();
        }
    }

    /// <summary>
    /// The process stands still for this long, as after SIGSTOP: a timer that became due meanwhile fires once, however often its period has passed.
    /// </summary>
    public void Stop(TimeSpan time)
    {
        lock (gate) { MoveTo(elapsed + time.Ticks); }
        Advance(TimeSpan.Zero);
    }

    /// <summary>Advances in steps until the work is done, for work that waits on this clock and ends in other threads.</summary>
    public async Task AdvanceUntil(Task work, TimeSpan step)
    {
        while (!work.IsCompleted)
        {
            Advance(step);
            await Task.Yield();
        }
        await work;
    }

    /// <summary>
    /// Advances whenever all of the work that is left waits on this clock, each on one timer: never while some of it is
    /// running, so that no time passes that nobody waited for.
    /// </summary>
    public async Task AdvanceWhileIdle(IReadOnlyCollection<Task> work, TimeSpan step)
    {
        while (work.Count(task => !task.IsCompleted) is > 0 and var left)
        {
            if (Waiting == left)
            {
                Advance(step);
            }
            await Task.Yield();
        }
        await Task.WhenAll(work);
    }

    /// <summary>Steps the wall clock alone: time zones are not meant, NTP corrections and people are.</summary>
    public void StepWallClock(TimeSpan by) { lock (gate) { wall += by; } }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private void MoveTo(long timestamp)
    {
        wall += TimeSpan.FromTicks(Math.Max(0, timestamp - elapsed));
        elapsed = Math.Max(elapsed, timestamp);
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        private TimeSpan period = Timeout.InfiniteTimeSpan;
        private bool armed;

        public long Version { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (time.gate)
            {
                period = newPeriod;
                Arm(dueTime);
            }
            return true;
        }

        /// <summary>After it has become due; what is due at once again would never let the clock go on.</summary>
        public void Rearm() => Arm(period > TimeSpan.Zero ? period : Timeout.InfiniteTimeSpan);

        private void Arm(TimeSpan dueTime)
        {
            Version++;
            time.waiting -= armed ? 1 : 0;
            armed = dueTime != Timeout.InfiniteTimeSpan;
            time.waiting += armed ? 1 : 0;
            if (armed)
            {
                time.timers.Enqueue((this, Version), (time.elapsed + dueTime.Ticks, time.order++));
            }
        }

        public void Fire() => fire();

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
