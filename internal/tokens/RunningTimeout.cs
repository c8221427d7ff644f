namespace Exporter.Tokens;

/// <summary>
/// Cancels after a time in which this process ran. A process that was stopped (SIGSTOP, <c>docker pause</c>, a suspended machine) finds the
/// response that arrived meanwhile in its socket: timing out then would lose a single-use refresh token. So it counts steps of a second.
/// </summary>
internal sealed class RunningTimeout : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource source = new();
    private readonly ITimer timer;
    private long left;

    public RunningTimeout(TimeSpan timeout, TimeProvider time)
    {
        left = (long)Math.Ceiling(timeout / Step);
        timer = time.CreateTimer(_ => Count(), null, Step, Step);
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        timer.Dispose();
        source.Dispose();
    }

    private void Count()
    {
        if (Interlocked.Decrement(ref left) == 0)
        {
            source.Cancel();
        }
    }
}
