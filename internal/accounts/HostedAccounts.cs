namespace Exporter.Accounts;

/// <summary>
/// The accounts in a host. Loads their tokens before any service starts. Renews tokens and takes readings once the server listens. Saves
/// tokens that are only in memory when the host stops.
/// </summary>
public sealed class HostedAccounts(
    AccountList accounts, TokenRefresh refresh, BackgroundHealth health, TimeProvider time, ILogger<HostedAccounts> logger)
    : DeferredWorker
{
    /// <summary>Docker kills the process ten seconds after SIGTERM.</summary>
    public static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(8);

    /// <summary>How long a replacement waits for renewals in flight: longer than two token requests.</summary>
    private static readonly TimeSpan LongestClose = TokenEndpoint.RequestTimeout * 3;

    private readonly Lock gate = new();
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<Account, (CancellationTokenSource Stop, Task Task)> readings = [];

    /// <summary>The accounts of the list, and during a replacement also those that leave or enter it. A stop saves the tokens of all.</summary>
    private readonly HashSet<Account> open = [.. accounts.Current];

    private CancellationToken stopping;
    private bool isStopping;

    /// <summary>Whether the last stop saved every token.</summary>
    public bool AllSaved { get; private set; } = true;

    public override Task StartingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(accounts.Current.Select(account => account.LoadAsync(isProgramStart: true, cancellationToken)));

    /// <summary>
    /// Replaces the accounts of the list. Those in both lists continue undisturbed. Those that leave are closed, with their tokens saved, before
    /// those that enter load theirs, because both may use the same token file. Not for concurrent calls.
    /// </summary>
    /// <param name="leaving">The accounts that leave the list.</param>
    /// <param name="openNext">Returns the new list. If it throws, the accounts that leave continue.</param>
    /// <returns>What was lost, one sentence each.</returns>
    /// <exception cref="OperationCanceledException">The host stops, which saves all tokens.</exception>
    public async Task<IReadOnlyList<string>> ReplaceAsync(
        IReadOnlyList<Account> leaving, Func<IReadOnlyList<Account>> openNext, CancellationToken cancellationToken)
    {
        await started.Task.WaitAsync(cancellationToken);
        await StopReadingAsync(leaving);
        IReadOnlyList<Account> next;
        try
        {
            next = openNext();
        }
        catch
        {
            Start(leaving);
            throw;
        }
        var entering = next.Except(accounts.Current).ToList();
        lock (gate)
        {
            // A stop that has begun saves the accounts of the old list. A later one also finds the new ones.
            if (isStopping)
            {
                entering.ForEach(account => account.Dispose());
                throw new OperationCanceledException("The host stops.");
            }
            open.UnionWith(entering);
        }
        var closed = await Task.WhenAll(leaving.Select(async account => (Account: account, Reason: await CloseAsync(account))));
        await Task.WhenAll(entering.Select(account => LoadAsync(account, cancellationToken)));
        var lost = new List<string>();
        foreach (var (account, reason) in closed)
        {
            var successor = entering.Find(one => one.Name == account.Name);
            var isTakenOver = successor is not null && await successor.TakeOverAsync(account, CancellationToken.None);
            var isOnlyInMemory = account.TokenManagers.Any(manager => manager.Snapshot.Unpersisted is not null);
            if (reason is not null && !(isOnlyInMemory && isTakenOver))
            {
                lost.Add($"account {account.Name}: {reason}");
            }
        }
        lock (gate)
        {
            accounts.Replace(next);
            open.ExceptWith(leaving);
        }
        Start(entering);
        foreach (var account in leaving)
        {
            account.Dispose();
        }
        return lost;
    }

    /// <summary>Stops within <see cref="LongestStop"/>, which counts only while the process runs, unlike the limit of the host.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestStop, new RunningTime(time));
        List<Task<bool>> saved;
        lock (gate)
        {
            isStopping = true;
            saved = [.. open.Select(account => account.ShutDownAsync(logger, limit.Token))];
        }
        // Reading sources save their last values too.
        await Task.WhenAll([base.StopAsync(limit.Token), .. saved]);
        AllSaved = saved.All(s => s.Result);
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var account in open)
        {
            account.Dispose();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        stopping = stoppingToken;
        Start(accounts.Current);
        started.SetResult();
        await using var registration = stoppingToken.Register(stopped.SetResult);
        await stopped.Task;
        await StopReadingAsync([.. open]);
    }

    private void Start(IReadOnlyList<Account> added)
    {
        lock (gate)
        {
            if (isStopping)
            {
                return;
            }
            refresh.Add(added.SelectMany(account => account.TokenManagers));
            foreach (var account in added)
            {
                var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                // On another thread, so that a file system that hangs does not delay a stop.
                readings[account] = (stop, health.WatchAsync(() => Task.Run(() => account.RunAsync(stop.Token), CancellationToken.None)));
            }
        }
    }

    private async Task StopReadingAsync(IReadOnlyList<Account> ended)
    {
        var ending = new List<(CancellationTokenSource Stop, Task Task)>();
        lock (gate)
        {
            refresh.Remove(ended.SelectMany(account => account.TokenManagers));
            foreach (var account in ended)
            {
                if (readings.Remove(account, out var reading))
                {
                    ending.Add(reading);
                }
            }
        }
        await Task.WhenAll(ending.Select(reading => reading.Stop.CancelAsync()));
        await Task.WhenAll(ending.Select(reading => reading.Task));
        ending.ForEach(reading => reading.Stop.Dispose());
    }

    /// <summary>Closes an account that leaves. Returns why its token is only in memory, or null.</summary>
    private async Task<string?> CloseAsync(Account account)
    {
        using var limit = new CancellationTokenSource(LongestClose, new RunningTime(time));
        try
        {
            return await Task.Run(() => account.LeaveAsync(limit.Token), CancellationToken.None).WaitAsync(limit.Token) is { } reason
                ? $"the token could not be saved and is lost: {reason}" : null;
        }
        catch (OperationCanceledException)
        {
            return "a renewal did not finish in time; if the provider has renewed the token, log in again";
        }
    }

    private async Task LoadAsync(Account account, CancellationToken cancellationToken)
    {
        try
        {
            await account.LoadAsync(isProgramStart: true, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The refresh loop reads the store again.
            logger.LogError(e, "account {Account}: the token could not be loaded because of a bug; report this error", account.Name);
        }
    }
}
