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

    /// <summary>Whether the last stop saved every token.</summary>
    public bool AllSaved { get; private set; } = true;

    public override Task StartingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(accounts.Current.Select(account => account.LoadAsync(isProgramStart: true, cancellationToken)));

    /// <summary>Stops within <see cref="LongestStop"/>, which counts only while the process runs, unlike the limit of the host.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestStop, new RunningTime(time));
        var saved = accounts.Current.Select(account => account.ShutDownAsync(logger, limit.Token)).ToList();
        // Reading sources save their last values too.
        await Task.WhenAll([base.StopAsync(limit.Token), .. saved]);
        AllSaved = saved.All(s => s.Result);
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var account in accounts.Current)
        {
            account.Dispose();
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        refresh.Add(accounts.Current.SelectMany(account => account.TokenManagers));
        return Task.WhenAll(accounts.Current.Select(account => health.WatchAsync(() => account.RunAsync(stoppingToken))));
    }
}
