using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>
/// Checks all token managers once a second and visits those with work that is due: one timer for thousands of tokens. Uses short steps
/// instead of long waits, because clocks step, machines are suspended and a timer cannot exceed 49 days.
/// </summary>
public sealed class RefreshLoop(IReadOnlyCollection<TokenManager> managers, TimeProvider time, ILogger<RefreshLoop> logger)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    /// <summary>Runs until <paramref name="cancellationToken"/> is cancelled. Renewals that were sent continue.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            do
            {
                VisitDue(cancellationToken);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Starts a visit of each token manager with work that is due. The visits never fail.</summary>
    internal IReadOnlyList<Task> VisitDue(CancellationToken cancellationToken)
    {
        var now = Instant.Now(time);
        return [.. managers.Where(manager => manager.IsDue(now)).Select(manager => VisitAsync(manager, cancellationToken))];
    }

    private async Task VisitAsync(TokenManager manager, CancellationToken cancellationToken)
    {
        try
        {
            await manager.VisitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // A failure of one account must not affect the others.
            logger.LogError("account {Account}: the token visit failed: {Reason}", manager.Account, Sanitize.Unexpected(e));
        }
    }
}
