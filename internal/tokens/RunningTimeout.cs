namespace Exporter.Tokens;

/// <summary>
/// Cancels after a time in which this process ran. After SIGSTOP or <c>docker pause</c>, the response that arrived meanwhile is in the socket.
/// A timeout then would lose a single-use refresh token. A timer that fires late shows the stop: the time starts again.
/// </summary>
internal sealed class RunningTimeout : IDisposable
{
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource source = new();
    private readonly TimeSpan timeout;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private long started;

    public RunningTimeout(TimeSpan timeout, TimeProvider time)
    {
        (this.timeout, this.time) = (timeout, time);
        timer = time.CreateTimer(_ => End(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // Starts last, because a stop right here would call End before the field has the timer.
        started = time.GetTimestamp();
        timer.Change(timeout, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        timer.Dispose();
        source.Dispose();
    }

    private void End()
    {
        if (time.GetElapsedTime(started) <= timeout + Late)
        {
            source.Cancel();
            return;
        }
        started = time.GetTimestamp();
        timer.Change(timeout, Timeout.InfiniteTimeSpan);
    }
}
