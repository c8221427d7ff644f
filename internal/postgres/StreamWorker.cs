namespace Exporter.Postgres;

/// <summary>
/// Keeps the streams that this replica owns connected. A stream that nothing confirms gets another owner after <see cref="ReadingRows.Lease"/>, and
/// its connection here ends before that. Two owners for a moment cost a takeover at the provider and no data: what is saved has newer values.
/// </summary>
internal sealed class StreamWorker(
    ReadingRows rows, AccountRows accounts, AccountTemplates templates, TokenKeys keys, QueueMetrics metrics, TimeProvider time,
    ILogger<StreamWorker> logger) : BackgroundService
{
    /// <summary>Few at a time, so that replicas that start together share the streams.</summary>
    private const int MostAtOnce = 10;

    /// <summary>The values of a car have some ten kilobytes.</summary>
    private const int MostInBatch = 100;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryElsewhere = TimeSpan.FromMinutes(1);

    /// <summary>Less than the lease, because a replica that was stopped must not continue with a stream that another one has.</summary>
    private static readonly TimeSpan Confirmed = ReadingRows.Lease / 2;

    private readonly Dictionary<long, Owned> owned = [];
    private long confirmedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        confirmedAt = time.GetTimestamp();
        try
        {
            while (true)
            {
                await VisitAsync(stoppingToken);
                await Task.Delay(Step, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            await Task.WhenAll(owned.Values.Select(stream => EndAsync(stream, TimeSpan.Zero)));
            metrics.Own(0);
        }
    }

    private async Task VisitAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Before the query: the process may be stopped after the database's answer.
            var started = time.GetTimestamp();
            await EndLostAsync(await rows.ConfirmAsync([.. owned.Values.Select(stream => stream.Row)], cancellationToken));
            confirmedAt = started;
            foreach (var streams in owned.Values.Where(stream => stream.Changed.IsCompleted).Chunk(MostInBatch))
            {
                await SaveAsync(streams, cancellationToken);
            }
            foreach (var stream in owned.Values.Where(stream => stream.Confirmed != stream.Version))
            {
                await TakeOverTokenAsync(stream, cancellationToken);
            }
            foreach (var row in await metrics.MeasureAsync("take_streams", () => rows.TakeStreamsAsync(MostAtOnce, cancellationToken)))
            {
                await StartAsync(row);
            }
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            if (owned.Count > 0 && time.GetElapsedTime(confirmedAt) > Confirmed)
            {
                logger.LogError("{Count} streams end here until the database can be reached: {Reason}", owned.Count, Database.Describe(e));
                await EndLostAsync(new Dictionary<long, long>());
            }
        }
        metrics.Own(owned.Count);
    }

    private async Task StartAsync(ReadingRow row)
    {
        var (account, problem) = templates.OpenToRead<IStoredReadingSource>(row, logger);
        if (account is null)
        {
            logger.LogError("account {Account}: it cannot be read by this replica: {Reason}", row.Account.Name, problem);
            await rows.ReleaseAsync(row, RetryElsewhere, CancellationToken.None);
            return;
        }
        var source = (IStoredReadingSource)account.ReadingSource!;
        var ending = new CancellationTokenSource();
        // Before the stream starts, so that its first value is a change.
        var changed = source.Changed;
        owned[row.Account.Id] = new Owned(row, account, source, ending, Task.Run(() => RunAsync(account, ending.Token), CancellationToken.None))
        {
            Changed = changed,
            Version = row.Account.Version,
        };
    }

    private async Task RunAsync(Account account, CancellationToken cancellationToken)
    {
        try
        {
            await account.RunAsync(cancellationToken);
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: the stream failed because of a bug; report this error", account.Name);
        }
    }

    /// <summary>Saves what the streams received since the last time.</summary>
    private async Task SaveAsync(IReadOnlyList<Owned> streams, CancellationToken cancellationToken)
    {
        var changes = streams.Select(stream => (stream, stream.Source.Changed)).ToList();
        await rows.SaveAsync(streams.Select(stream => (stream.Row, stream.Source.Save().Json.ToArray())), cancellationToken);
        foreach (var (stream, changed) in changes)
        {
            // Only now: what could not be saved is saved the next time.
            stream.Changed = changed;
        }
    }

    /// <summary>Takes over the token that the queue renewed.</summary>
    private async Task TakeOverTokenAsync(Owned stream, CancellationToken cancellationToken)
    {
        if (await accounts.FindAsync(stream.Row.Account.Id, cancellationToken) is { } row && row.Progress(keys) is ({ } progress, null))
        {
            stream.Account.TokenManager.Resume(progress);
            stream.Version = row.Version;
        }
    }

    /// <param name="confirmed">The accounts that this replica still owns, and the versions of their tokens.</param>
    private async Task EndLostAsync(IReadOnlyDictionary<long, long> confirmed)
    {
        var isLate = time.GetElapsedTime(confirmedAt) > Confirmed;
        var ends = new List<Task>();
        foreach (var (id, stream) in owned.ToList())
        {
            if (confirmed.TryGetValue(id, out var version) && !isLate && !stream.Running.IsCompleted)
            {
                stream.Confirmed = version;
                continue;
            }
            owned.Remove(id);
            // A stream ends by itself only because of a bug, and would at once again.
            ends.Add(EndAsync(stream, stream.Running.IsCompleted ? RetryElsewhere : TimeSpan.Zero));
        }
        // Together, because the other streams must be confirmed in time.
        await Task.WhenAll(ends);
    }

    /// <summary>Ends the connection, then saves and gives the stream back, if this replica still owns it.</summary>
    /// <param name="retryIn">When another replica may connect.</param>
    private async Task EndAsync(Owned stream, TimeSpan retryIn)
    {
        await stream.Ending.CancelAsync();
        await stream.Running;
        try
        {
            await rows.SaveAsync(stream.Row, stream.Source.Save().Json.ToArray(), null, needsToken: false, retryIn, CancellationToken.None);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            logger.LogWarning("account {Account}: {Reason}", stream.Account.Name, Database.Describe(e));
        }
        await stream.Account.ShutDownAsync(logger, CancellationToken.None);
        stream.Account.Dispose();
        stream.Ending.Dispose();
    }

    /// <param name="Running">Never fails.</param>
    private sealed record Owned(ReadingRow Row, Account Account, IStoredReadingSource Source, CancellationTokenSource Ending, Task Running)
    {
        /// <summary>Completes when there is something to save.</summary>
        public required Task Changed { get; set; }

        /// <summary>Of the token that the account has here.</summary>
        public required long Version { get; set; }

        /// <summary>Of the token that the row had at the last confirmation.</summary>
        public long Confirmed { get; set; } = Row.Account.Version;
    }
}
