using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Goes round all keepers once a second and visits those that have something to do: one timer for thousands of tokens.
/// Short steps instead of long sleeps, because clocks step, machines are suspended and timers end at 49 days.
/// </summary>
public sealed class Rounds(IReadOnlyCollection<Keeper> keepers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private int underWay;

    /// <summary>How many visits have begun and not ended.</summary>
    internal int UnderWay => Volatile.Read(ref underWay);

    /// <summary>Runs until <paramref name="cancellation"/> asks it to stop; renewals that were sent go on.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            do
            {
                Go(cancellation);
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>One round: begins a visit wherever there is something to do.</summary>
    internal void Go(CancellationToken cancellation)
    {
        var (now, timestamp) = (time.GetUtcNow(), time.GetTimestamp());
        foreach (var keeper in keepers)
        {
            if (keeper.IsDue(now, timestamp))
            {
                _ = VisitAsync(keeper, cancellation);
            }
        }
    }

    private async Task VisitAsync(Keeper keeper, CancellationToken cancellation)
    {
        Interlocked.Increment(ref underWay);
        try
        {
            await keeper.VisitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // One account's trouble is not the others'.
            logger.LogError("account {Account}: keeping its token: {Reason}", keeper.Account, Plain.Unforeseen(e));
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }
}
