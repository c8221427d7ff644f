using System.Threading.Channels;

namespace Exporter.Postgres;

/// <summary>
/// Saves changes of rows in batches: whatever has arrived while the previous batch was saved. A new token is tried again until the database takes
/// it, because it may be the only valid one. Safe for concurrent use.
/// </summary>
internal sealed class RowSaver(AccountRows rows, TimeProvider time, ILogger<RowSaver> logger) : BackgroundService
{
    private const int MostInBatch = 200;

    private static readonly Backoff Retry = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    private readonly Channel<Waiting> waiting = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private int unsaved;

    /// <summary>The changes that the database has not taken yet.</summary>
    public int Unsaved => Volatile.Read(ref unsaved);

    /// <summary>Completes when the database has answered.</summary>
    /// <returns>Whether the row was changed. If not, it has another token, or is gone.</returns>
    /// <exception cref="ObjectDisposedException">The replica shuts down, and nothing is saved any more.</exception>
    public Task<bool> SaveAsync(RowChange change)
    {
        var one = new Waiting(change, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        Interlocked.Increment(ref unsaved);
        if (!waiting.Writer.TryWrite(one))
        {
            Interlocked.Decrement(ref unsaved);
            throw new ObjectDisposedException(nameof(RowSaver));
        }
        return one.Saved.Task;
    }

    /// <summary>Saves what is left, and ends when <paramref name="cancellationToken"/> is canceled.</summary>
    /// <returns>How many changes are lost with the process.</returns>
    public async Task<int> FinishAsync(CancellationToken cancellationToken)
    {
        waiting.Writer.TryComplete();
        await Task.WhenAny(ExecuteTask ?? Task.CompletedTask, Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken));
        return Unsaved;
    }

    /// <summary>Runs until <see cref="FinishAsync"/>, whatever <paramref name="stoppingToken"/> says: an answer in flight has to be saved.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var batch = new List<Waiting>();
        while (await waiting.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (batch.Count < MostInBatch && waiting.Reader.TryRead(out var one))
            {
                batch.Add(one);
            }
            await SaveAsync(batch);
            batch.Clear();
        }
    }

    private async Task SaveAsync(IReadOnlyList<Waiting> batch)
    {
        List<RowChange> changes = [.. batch.Select(one => one.Change)];
        for (var failures = 0; ;)
        {
            try
            {
                var saved = await rows.SaveAsync(changes, CancellationToken.None);
                Finish(batch, one => one.Saved.SetResult(saved.Contains(one.Change.Id)));
                return;
            }
            catch (Exception e) when (Database.IsPermanent(e))
            {
                if (batch.Count == 1)
                {
                    logger.LogError("a result of a renewal cannot be saved because of a bug; report this error: {Reason}", Database.Describe(e));
                    Finish(batch, one => one.Saved.SetResult(false));
                    return;
                }
                foreach (var one in batch)
                {
                    await SaveAsync([one]);
                }
                return;
            }
            catch (Exception e) when (Database.IsFailure(e))
            {
                if (failures++ is 0 or 20)
                {
                    logger.LogError("{Count} results of renewals are only in memory, and are saved as soon as possible: {Reason}",
                        batch.Count, Database.Describe(e));
                }
                await Task.Delay(Retry.After(failures, Random.Shared), time, CancellationToken.None);
            }
        }
    }

    private void Finish(IReadOnlyList<Waiting> batch, Action<Waiting> finish)
    {
        Interlocked.Add(ref unsaved, -batch.Count);
        foreach (var one in batch)
        {
            finish(one);
        }
    }

    private sealed record Waiting(RowChange Change, TaskCompletionSource<bool> Saved);
}
