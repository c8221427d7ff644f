namespace Exporter.Postgres;

/// <summary>
/// Polls what is due: restores the last reading, polls once, and saves. A poll that is interrupted is repeated by another replica, because
/// reading twice does no harm.
/// </summary>
internal sealed class PollWorker(
    ReadingRows rows, AccountTemplates templates, TokenKeys keys, QueueMetrics metrics, PostgresOptions options, TimeProvider time,
    ILogger<PollWorker> logger)
    : DueWorker<ReadingRow>(Operation, options.InFlight, TimeSpan.FromSeconds(1), metrics, time, logger)
{
    public const string Operation = "take_polls";

    /// <summary>For an account that this replica cannot read: another one may have the key, or the template.</summary>
    private static readonly TimeSpan RetryElsewhere = TimeSpan.FromMinutes(1);

    private CancellationToken stopping;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        stopping = stoppingToken;
        return base.ExecuteAsync(stoppingToken);
    }

    protected override Task<IReadOnlyList<ReadingRow>> TakeDueAsync(int most, CancellationToken cancellationToken) =>
        rows.TakeDueAsync(most, cancellationToken);

    protected override string NameOf(ReadingRow row) => row.Account.Name;

    protected override async Task WorkAsync(ReadingRow row, Fence fence)
    {
        var (opened, problem) = templates.OpenToRead<IPolledReadingSource>(row, Logger);
        if (opened is null)
        {
            Logger.LogError("account {Account}: it cannot be read by this replica: {Reason}", row.Account.Name, problem);
            await rows.ReleaseAsync(row, RetryElsewhere, CancellationToken.None);
            return;
        }
        using var account = opened;
        var source = (IPolledReadingSource)account.ReadingSource!;
        try
        {
            await source.PollOnceAsync(stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await rows.ReleaseAsync(row, TimeSpan.Zero, CancellationToken.None);
            return;
        }
        var reading = source.Save();
        var memory = reading.Memory is { } bytes ? keys.Seal(ReadingRow.MemoryOf(row.Account.Name), bytes.ToArray()) : null;
        var nextIn = source.Status.NextTry - Time.GetUtcNow();
        if (!await rows.SaveAsync(row, reading.Json.ToArray(), memory, source.Status.NeedsToken, nextIn ?? RetryElsewhere, CancellationToken.None))
        {
            Logger.LogWarning("account {Account}: the poll took too long and its reading is dropped; another replica polls", row.Account.Name);
        }
        // A poll can renew a token that the provider rejects. Then nothing may be left in memory.
        await account.ShutDownAsync(Logger, CancellationToken.None);
    }
}
