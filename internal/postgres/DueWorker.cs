namespace Exporter.Postgres;

/// <summary>
/// Takes due rows in batches, and works on each of them on its own. Nothing is sent while the database cannot be reached, because taking a row
/// comes first.
/// </summary>
/// <param name="operation">The name of taking rows in the metrics.</param>
/// <param name="atOnce">Bounds the work from taking a row to saving its result, so that little is in doubt after a crash.</param>
/// <param name="step">Between two looks at the database.</param>
internal abstract class DueWorker<T>(string operation, int atOnce, TimeSpan step, QueueMetrics metrics, TimeProvider time, ILogger logger)
    : BackgroundService
{
    private const int MostInBatch = 100;

    private readonly SemaphoreSlim room = new(atOnce);

    protected QueueMetrics Metrics => metrics;

    protected TimeProvider Time => time;

    protected ILogger Logger => logger;

    /// <summary>Waits for the work in flight.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        var free = 0;
        try
        {
            for (; free < atOnce; free++)
            {
                await room.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            if (free > 0)
            {
                room.Release(free);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                // A full batch means that more may be due.
                if (await TakeAsync(stoppingToken) < MostInBatch)
                {
                    await Task.Delay(step, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    protected abstract Task<IReadOnlyList<T>> TakeDueAsync(int most, CancellationToken cancellationToken);

    /// <param name="fence">Started before the query that took the row.</param>
    protected abstract Task WorkAsync(T row, Fence fence);

    protected abstract string NameOf(T row);

    private async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        await room.WaitAsync(cancellationToken);
        room.Release();
        var most = Math.Min(MostInBatch, room.CurrentCount);
        var fence = new Fence(time);
        IReadOnlyList<T> taken;
        try
        {
            taken = await metrics.MeasureAsync(operation, () => TakeDueAsync(most, cancellationToken));
            metrics.Reached();
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            if (metrics.Unreached(time.GetUtcNow()))
            {
                logger.LogError("nothing is renewed until the database can be reached: {Reason}", Database.Describe(e));
            }
            return 0;
        }
        foreach (var row in taken)
        {
            // There is room for all of them: only this loop takes it.
            await room.WaitAsync(CancellationToken.None);
            _ = RunAsync(row, fence);
        }
        return most == taken.Count ? MostInBatch : taken.Count;
    }

    private async Task RunAsync(T row, Fence fence)
    {
        // The batch is sent at once, not one after the other.
        await Task.Yield();
        metrics.Started(operation);
        try
        {
            await WorkAsync(row, fence);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            // The row stays taken until its lock ends.
            logger.LogWarning("account {Account}: {Reason}", NameOf(row), Database.Describe(e));
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: the work of the replica failed because of a bug; report this error", NameOf(row));
        }
        finally
        {
            metrics.Ended(operation);
            room.Release();
        }
    }
}
