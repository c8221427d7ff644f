namespace Exporter.Postgres;

/// <summary>
/// The accounts that users work with at this replica, opened from their rows: for a login, a pasted token or a logout. Safe for concurrent use.
/// </summary>
internal sealed class AttendedAccounts(
    AccountRows rows, ReadingRows readings, AccountTemplates templates, TokenKeys keys, TokenRefresh refresh, TimeProvider time,
    ILogger<AttendedAccounts> logger) : BackgroundService
{
    /// <summary>After its last use. A login takes minutes.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim turn = new(1);
    private readonly Dictionary<string, Open> open = new(StringComparer.Ordinal);

    /// <summary>The account with the state of its row. Null if there is no such row, or if its template is not configured here.</summary>
    public async Task<Account?> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var row = await rows.FindAsync(name, cancellationToken);
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (open.GetValueOrDefault(name) is { } known)
            {
                if (known.RowId == row?.Id)
                {
                    await ResumeAsync(known.Account, row, cancellationToken);
                    open[name] = known with { UsedAt = time.GetUtcNow() };
                    return known.Account;
                }
                await CloseAsync(known);
            }
            if (row is null || templates.Open(row) is not { } account)
            {
                return null;
            }
            open[name] = new Open(account, row.Id, time.GetUtcNow());
            // Not canceled: the account is open, and a later call continues with it.
            await account.LoadAsync(isProgramStart: false, CancellationToken.None);
            await ResumeAsync(account, row, CancellationToken.None);
            refresh.Add(account.TokenManagers);
            return account;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Saves what is only in memory.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(open.Values.Select(one => one.Account.ShutDownAsync(logger, cancellationToken)));
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var one in open.Values)
        {
            one.Account.Dispose();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await CloseUnusedAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task CloseUnusedAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            foreach (var unused in open.Values.Where(one => now - one.UsedAt > Lifetime && one.Account.TokenManager.Snapshot.Login is null).ToList())
            {
                await CloseAsync(unused);
            }
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task CloseAsync(Open closed)
    {
        open.Remove(closed.Account.Name);
        refresh.Remove(closed.Account.TokenManagers);
        if (await closed.Account.LeaveAsync(CancellationToken.None) is { } reason)
        {
            logger.LogError("account {Account}: the token could not be saved and is lost: {Reason}", closed.Account.Name, reason);
        }
        closed.Account.Dispose();
    }

    /// <summary>The queue may have renewed, or lost, the token since, and another replica may have taken a reading.</summary>
    private async Task ResumeAsync(Account account, AccountRow row, CancellationToken cancellationToken)
    {
        if (row.Progress(keys) is ({ } progress, null))
        {
            account.TokenManager.Resume(progress);
        }
        if (account.ReadingSource is IStoredReadingSource source
            && await readings.ListAsync([row.Id], cancellationToken) is [{ Content: { } content }])
        {
            source.Restore(new SavedReading(content), time.GetUtcNow());
        }
    }

    private sealed record Open(Account Account, long RowId, DateTimeOffset UsedAt);
}
