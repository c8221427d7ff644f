namespace Exporter.Postgres;

/// <summary>
/// Renews what is due: takes rows in batches, asks the lifecycle what to do, sends, and saves. Nothing is sent while the database cannot be
/// reached, because taking a row comes first. No connection is held during a request.
/// </summary>
internal sealed class RenewalWorker(
    AccountRows rows, RowSaver saver, AccountTemplates templates, TokenKeys keys, QueueMetrics metrics, PostgresOptions options, TimeProvider time,
    ILogger<RenewalWorker> logger) : BackgroundService
{
    private const int MostInBatch = 100;

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    /// <summary>For an account that this replica cannot renew: another one may have the key, or the template.</summary>
    private static readonly TimeSpan RetryElsewhere = TimeSpan.FromMinutes(1);

    /// <summary>Bounds the renewals from taking the row to saving its result, so that few are in doubt after a crash.</summary>
    private readonly SemaphoreSlim room = new(options.InFlight);

    /// <summary>Waits for the renewals in flight.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        var free = 0;
        try
        {
            for (; free < options.InFlight; free++)
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
                    await Task.Delay(Step, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        await room.WaitAsync(cancellationToken);
        room.Release();
        var most = Math.Min(MostInBatch, room.CurrentCount);
        var fence = new Fence(time);
        IReadOnlyList<AccountRow> taken;
        try
        {
            taken = await metrics.MeasureAsync("take", () => rows.TakeDueAsync(most, cancellationToken));
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
            _ = RenewAsync(row, fence);
        }
        return most == taken.Count ? MostInBatch : taken.Count;
    }

    private async Task RenewAsync(AccountRow row, Fence fence)
    {
        // The batch is sent at once, not one after the other.
        await Task.Yield();
        metrics.Started();
        try
        {
            using var account = templates.Open(row);
            var (progress, unsealed) = row.Progress(keys);
            if (account is null || unsealed is not null)
            {
                await PostponeAsync(row, unsealed ?? $"this replica's configuration has no template {row.Template}");
                return;
            }
            await RenewAsync(row, account.TokenManager, progress!, fence);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            // The row stays in doubt until its lock ends.
            logger.LogWarning("account {Account}: {Reason}", row.Name, Database.Describe(e));
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: the renewal failed because of a bug; report this error", row.Name);
        }
        finally
        {
            metrics.Ended();
            room.Release();
        }
    }

    private async Task RenewAsync(AccountRow row, TokenManager manager, TokenProgress progress, Fence fence)
    {
        var cause = new RenewalCause.Due();
        // The database decides that it is due. The clock of this replica may be behind.
        var lifecycle = new TokenLifecycle(manager.Rules).Resumed(progress with { NextRenewal = time.GetUtcNow() }, Instant.Now(time));
        if (!lifecycle.Renews(cause, Instant.Now(time)))
        {
            // Nothing can renew it, for example because its template has another grant now. With its schedule, it would be due again at once.
            await SaveAsync(row, progress with { NextRenewal = null }, null, "skipped");
            return;
        }
        if (fence.IsClosed)
        {
            metrics.Fenced();
            await rows.ReleaseAsync(row.Id, row.Attempt, CancellationToken.None);
            return;
        }
        var started = time.GetTimestamp();
        // Not canceled: a request that was sent must finish.
        var outcome = await manager.Grant.RenewAsync(progress.State.Token, CancellationToken.None);
        lifecycle = lifecycle.Attempted(outcome, time.GetElapsedTime(started), Instant.Now(time));
        if (outcome is Renewal.Renewed(var token))
        {
            await SaveRenewedAsync(row, lifecycle.Renewed(token, Instant.Now(time)), token);
            return;
        }
        // On invalid_grant, read once more before the token is called lost.
        if (outcome is Renewal.InvalidGrant && await rows.FindAsync(row.Id, CancellationToken.None) is var now && now?.Version != row.Version)
        {
            await rows.ReleaseAsync(row.Id, row.Attempt, CancellationToken.None);
            return;
        }
        lifecycle = Log(row, lifecycle.RenewalFailed(outcome, cause, Instant.Now(time), row.Interrupted));
        await SaveAsync(row, lifecycle.Progress, null, OutcomeOf(outcome));
    }

    private async Task SaveRenewedAsync(AccountRow row, TokenLifecycle renewed, Token token)
    {
        // What the lifecycle becomes if the write succeeds is a pure question, so the schedule is saved with the token.
        var complete = renewed.Unsaved ?? token;
        var next = renewed.Written(complete, new WriteResult.Written(AccountRow.StampOf(row.Version + 1)), Instant.Now(time));
        if (await SaveAsync(row, next.Progress, AccountRow.Seal(keys, row.Name, complete), "renewed"))
        {
            Log(row, next);
        }
        else
        {
            logger.LogInformation(
                "account {Account}: a login, a logout or a deletion came during a renewal; the token of the renewal is dropped", row.Name);
        }
    }

    private Task<bool> SaveAsync(AccountRow row, TokenProgress next, byte[]? token, string outcome) =>
        saver.SaveAsync(new RowChange(row.Id, row.Version, row.Attempt, token, next) { Source = row.Source, Outcome = outcome });

    /// <summary>Nothing was sent. The row is due again soon, and the next replica that takes it may be able to renew it.</summary>
    private async Task PostponeAsync(AccountRow row, string reason)
    {
        logger.LogError("account {Account}: it cannot be renewed by this replica: {Reason}", row.Name, reason);
        await rows.PostponeAsync(row.Id, row.Attempt, time.GetUtcNow() + RetryElsewhere, reason, CancellationToken.None);
    }

    private TokenLifecycle Log(AccountRow row, TokenLifecycle state)
    {
        foreach (var notice in state.Notices)
        {
            notice(logger, row.Name);
        }
        return state.WithoutNotices();
    }

    private static string OutcomeOf(Renewal outcome) => outcome switch
    {
        Renewal.Transient(var kind, _, _) => AccountMetrics.NameOf(kind),
        Renewal.InvalidClient => AccountMetrics.NameOf(FailureKind.ClientRefused),
        _ => AccountMetrics.NameOf(FailureKind.GrantRejected),
    };
}
