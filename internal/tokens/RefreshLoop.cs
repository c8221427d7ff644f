using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Goes round all token managers once a second and visits those that have something to do: one timer for thousands of tokens.
/// Short steps instead of long sleeps, because clocks step, machines are suspended and timers end at 49 days.
/// </summary>
public sealed class RefreshLoop(IReadOnlyCollection<TokenManager> managers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private int underWay;

    /// <summary>How many visits have begun and not ended.</summary>
    internal int UnderWay => Volatile.Read(ref underWay);

    /// <summary>Runs until <paramref name="cancellationToken"/> asks it to stop; renewals that were sent go on.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            do
            {
                Go(cancellationToken);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>One round: begins a visit wherever there is something to do.</summary>
    internal void Go(CancellationToken cancellationToken)
    {
        var now = Instant.Now(time);
        foreach (var manager in managers)
        {
            if (manager.IsDue(now))
            {
                _ = VisitAsync(manager, cancellationToken);
            }
        }
    }

    private async Task VisitAsync(TokenManager manager, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref underWay);
        try
        {
            await manager.VisitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // One account's trouble is not the others'.
            logger.LogError("account {Account}: keeping its token: {Reason}", manager.Account, Sanitize.Unforeseen(e));
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }
}
