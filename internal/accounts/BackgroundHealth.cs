namespace Exporter.Accounts;

/// <summary>
/// Records whether a background task has failed. A failure is logged and stops neither the program nor the other tasks. Safe for concurrent use.
/// </summary>
public sealed class BackgroundHealth(ILogger<BackgroundHealth> logger)
{
    private volatile bool hasFailed;

    /// <summary>False after the first failure; a watchdog then restarts the program.</summary>
    public bool IsHealthy => !hasFailed;

    /// <summary>Runs a task and records its failure. Never throws.</summary>
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
            logger.LogCritical(e.GetBaseException(), "a background task failed because of a bug; restart the exporter and report this error");
        }
    }
}
