namespace Exporter.Tokens.Testing;

/// <summary>
/// A clock that moves only when a test advances it. Timers fire inside <see cref="Advance"/>, in the order of their due times and at these
/// times. The wall clock can be changed without the monotonic clock, as NTP does.
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

    /// <summary>Nanoseconds, as on Linux, so that an overflow there is an overflow here.</summary>
    public override long TimestampFrequency => 1_000_000_000;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>The number of active timers.</summary>
    public int Waiting { get { lock (gate) { return waiting; } } }

    /// <summary>
    /// Advances from timer to timer until <paramref name="reached"/> returns true. The clock moves only while a timer is active, so work that
    /// a timer started finishes before the next timer fires. For work that uses one timer at a time.
    /// </summary>
    public async Task AdvanceUntilAsync(Func<bool> reached, TimeSpan limit)
    {
        var end = GetUtcNow() + limit;
        while (!reached())
        {
            if (GetUtcNow() > end)
            {
                throw new TimeoutException($"The condition was not met within {limit}.");
            }
            if (Waiting > 0)
            {
                Advance(ToNextTimer());
            }
            await Task.Yield();
        }
    }

    /// <summary>The time until the next timer is due.</summary>
    public TimeSpan ToNextTimer() => ToTimer(Enumerable.Min);

    /// <summary>The time until all timers that are active now are due.</summary>
    internal TimeSpan ToLastTimer() => ToTimer(Enumerable.Max);

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

    /// <summary>Simulates a process that is stopped, as by SIGSTOP: a timer that becomes due meanwhile fires once, whatever its period.</summary>
    public void Stop(TimeSpan time)
    {
        lock (gate) { MoveTo(elapsed + time.Ticks); }
        Advance(TimeSpan.Zero);
    }

    /// <summary>Advances in steps until the work is done, for work that uses this clock in other threads.</summary>
    public async Task AdvanceUntil(Task work, TimeSpan step)
    {
        while (!work.IsCompleted)
        {
            Advance(step);
            await Task.Yield();
        }
        await work;
    }

    /// <summary>Advances only while each unfinished task waits for one timer of this clock, so that no time passes while a task is running.</summary>
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

    /// <summary>Changes only the wall clock, as NTP or an administrator does.</summary>
    public void StepWallClock(TimeSpan by) { lock (gate) { wall += by; } }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private TimeSpan ToTimer(Func<IEnumerable<long>, long> choose)
    {
        lock (gate)
        {
            var active = timers.UnorderedItems.Where(t => t.Element.Version == t.Element.Timer.Version);
            return TimeSpan.FromTicks(Math.Max(0, choose(active.Select(t => t.Priority.Due).DefaultIfEmpty(elapsed)) - elapsed));
        }
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

        /// <summary>Starts the next period. A period of zero does not repeat, because it would stop the clock.</summary>
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
