using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>Whether all background work goes on. A part that fails is logged and ends neither the program nor the other parts. Safe for concurrent use.</summary>
public sealed class WorkHealth(ILogger<WorkHealth> logger)
{
    private volatile bool hasFailed;

    /// <summary>False once a part has failed; a watchdog then restarts the program.</summary>
    public bool IsGood => !hasFailed;

    /// <summary>Completes when the work ends, and never throws.</summary>
    public async Task WatchAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        catch (Exception e)
        {
            hasFailed = true;
            logger.LogCritical(e.GetBaseException(), "a part of the exporter stopped because of a bug, and the other parts go on; restart the exporter and report this");
        }
    }
}
