namespace Exporter.Postgres;

/// <summary>
/// Starts and ends the work of a replica in order: the schema first, then renewals and readings. At the end, what is in flight is saved before the
/// process exits.
/// </summary>
internal sealed class SharedStore(
    Migrations migrations, ReadingRows readings, AccountTemplates templates, RowSaver saver, OverviewCache overview, RenewalWorker worker,
    PollWorker polls, StreamWorker streams, SharedReadings shared, AttendedAccounts attended, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<SharedStore> logger) : BackgroundService
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    /// <summary>Longer than a request for a token, so that what is in flight is saved, and shorter than the 30 seconds of Kubernetes.</summary>
    private static readonly TimeSpan LongestShutdown = TimeSpan.FromSeconds(25);

    /// <summary>How many results of renewals were lost at the end, because the database could not be reached.</summary>
    public int Lost { get; private set; }

    /// <summary>Why the program has to stop; null while there is no reason.</summary>
    public string? Failure { get; private set; }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // Counts only while the process runs, unlike the limit of the host.
        using var limit = new CancellationTokenSource(LongestShutdown, new RunningTime(time));
        await base.StopAsync(limit.Token);
        await Task.WhenAll(worker.StopAsync(limit.Token), polls.StopAsync(limit.Token), streams.StopAsync(limit.Token));
        await attended.StopAsync(limit.Token);
        try
        {
            await worker.FinishAsync(limit.Token);
            await polls.FinishAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            logger.LogError("some renewals did not finish in time; they stay in doubt, and another replica continues");
        }
        await shared.StopAsync(limit.Token);
        Lost = await saver.FinishAsync(limit.Token);
        if (Lost > 0)
        {
            logger.LogError("{Count} results of renewals could not be saved and are lost; these accounts may need a login", Lost);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        worker.Dispose();
        polls.Dispose();
        streams.Dispose();
        shared.Dispose();
        attended.Dispose();
        saver.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            if (await MigrateAsync(stoppingToken) is { } failure)
            {
                Failure = failure;
                logger.LogCritical("{Reason}", failure);
                lifetime.StopApplication();
                return;
            }
            await saver.StartAsync(CancellationToken.None);
            await worker.StartAsync(CancellationToken.None);
            await shared.StartAsync(CancellationToken.None);
            await polls.StartAsync(CancellationToken.None);
            await streams.StartAsync(CancellationToken.None);
            await attended.StartAsync(CancellationToken.None);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <returns>Why the schema cannot be used; null if it can.</returns>
    private async Task<string?> MigrateAsync(CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                if (await migrations.RunAsync(cancellationToken) is { } unusable)
                {
                    return unusable;
                }
                await readings.PrepareAsync(templates.Readings, cancellationToken);
                // So that the first scrape does not wait for the count of a million rows.
                await overview.GetAsync(cancellationToken);
                return null;
            }
            catch (Exception e) when (Database.IsFailure(e))
            {
                if (isFirst)
                {
                    logger.LogError("waiting for the database: {Reason}", Database.Describe(e));
                }
                await Task.Delay(Retry, time, cancellationToken);
            }
        }
    }
}
