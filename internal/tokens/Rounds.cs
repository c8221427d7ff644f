using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Goes round all keepers once a second and visits those that have something to do: one timer for thousands of tokens.
/// Short steps instead of long sleeps, because clocks step, machines are suspended and timers end at 49 days.
/// </summary>
public sealed class Rounds(IReadOnlyCollection<Keeper> keepers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    /// <summary>Runs until <paramref name="cancellation"/> asks it to stop; renewals that were sent go on.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            do
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
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task VisitAsync(Keeper keeper, CancellationToken cancellation)
    {
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
            logger.LogError(e, "account {Account}: keeping its token failed in a way that was not foreseen", keeper.Account);
        }
    }
}
