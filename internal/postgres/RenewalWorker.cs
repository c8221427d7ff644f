namespace Exporter.Postgres;

/// <summary>Renews what is due: asks the lifecycle what to do, sends, and saves. No connection is held during a request.</summary>
internal sealed class RenewalWorker(
    AccountRows rows, RowSaver saver, AccountTemplates templates, TokenKeys keys, QueueMetrics metrics, PostgresOptions options, TimeProvider time,
    ILogger<RenewalWorker> logger)
    : DueWorker<AccountRow>("take", options.InFlight, TimeSpan.FromMilliseconds(250), metrics, time, logger)
{
    /// <summary>For an account that this replica cannot renew: another one may have the key, or the template.</summary>
    private static readonly TimeSpan RetryElsewhere = TimeSpan.FromMinutes(1);

    protected override Task<IReadOnlyList<AccountRow>> TakeDueAsync(int most, CancellationToken cancellationToken) =>
        rows.TakeDueAsync(most, cancellationToken);

    protected override string NameOf(AccountRow row) => row.Name;

    protected override async Task WorkAsync(AccountRow row, Fence fence)
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

    private async Task RenewAsync(AccountRow row, TokenManager manager, TokenProgress progress, Fence fence)
    {
        var cause = new RenewalCause.Due();
        // The database decides that it is due. The clock of this replica may be behind.
        var lifecycle = new TokenLifecycle(manager.Rules).Resumed(progress with { NextRenewal = Time.GetUtcNow() }, Instant.Now(Time));
        if (!lifecycle.Renews(cause, Instant.Now(Time)))
        {
            // Nothing can renew it, for example because its template has another grant now. With its schedule, it would be due again at once.
            await SaveAsync(row, progress with { NextRenewal = null }, null, "skipped");
            return;
        }
        if (fence.IsClosed)
        {
            Metrics.Fenced();
            await rows.ReleaseAsync(row.Id, row.Attempt, CancellationToken.None);
            return;
        }
        var started = Time.GetTimestamp();
        // Not canceled: a request that was sent must finish.
        var outcome = await manager.Grant.RenewAsync(progress.State.Token, CancellationToken.None);
        lifecycle = lifecycle.Attempted(outcome, Time.GetElapsedTime(started), Instant.Now(Time));
        if (outcome is Renewal.Renewed(var token))
        {
            await SaveRenewedAsync(row, lifecycle.Renewed(token, Instant.Now(Time)), token);
            return;
        }
        // On invalid_grant, read once more before the token is called lost.
        if (outcome is Renewal.InvalidGrant && await rows.FindAsync(row.Id, CancellationToken.None) is var now && now?.Version != row.Version)
        {
            await rows.ReleaseAsync(row.Id, row.Attempt, CancellationToken.None);
            return;
        }
        lifecycle = Log(row, lifecycle.RenewalFailed(outcome, cause, Instant.Now(Time), row.Interrupted));
        await SaveAsync(row, lifecycle.Progress, null, OutcomeOf(outcome));
    }

    private async Task SaveRenewedAsync(AccountRow row, TokenLifecycle renewed, Token token)
    {
        // What the lifecycle becomes if the write succeeds is a pure question, so the schedule is saved with the token.
        var complete = renewed.Unsaved ?? token;
        var next = renewed.Written(complete, new WriteResult.Written(AccountRow.StampOf(row.Version + 1)), Instant.Now(Time));
        if (await SaveAsync(row, next.Progress, AccountRow.Seal(keys, row.Name, complete), "renewed"))
        {
            Log(row, next);
        }
        else
        {
            Logger.LogInformation(
                "account {Account}: a login, a logout or a deletion came during a renewal; the token of the renewal is dropped", row.Name);
        }
    }

    private Task<bool> SaveAsync(AccountRow row, TokenProgress next, byte[]? token, string outcome) =>
        saver.SaveAsync(new RowChange(row.Id, row.Version, row.Attempt, token, next) { Source = row.Source, Outcome = outcome });

    /// <summary>Nothing was sent. The row is due again soon, and the next replica that takes it may be able to renew it.</summary>
    private async Task PostponeAsync(AccountRow row, string reason)
    {
        Logger.LogError("account {Account}: it cannot be renewed by this replica: {Reason}", row.Name, reason);
        await rows.PostponeAsync(row.Id, row.Attempt, Time.GetUtcNow() + RetryElsewhere, reason, CancellationToken.None);
    }

    private TokenLifecycle Log(AccountRow row, TokenLifecycle state)
    {
        foreach (var notice in state.Notices)
        {
            notice(Logger, row.Name);
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
