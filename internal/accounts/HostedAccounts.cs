using Exporter.Tokens;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>
/// The accounts in a host: loads their tokens before anything starts, renews them and takes readings once the server listens, and saves
/// what is only in memory when the host stops.
/// </summary>
public sealed class HostedAccounts(IReadOnlyList<Account> accounts, TokenRefresh refresh, WorkHealth health, ILogger<HostedAccounts> logger)
    : StartedWork
{
    /// <summary>Docker kills the process ten seconds after it asks it to stop.</summary>
    public static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(8);

    /// <summary>Whether the last stop saved every token.</summary>
    public bool AllSaved { get; private set; } = true;

    public override Task StartingAsync(CancellationToken cancellationToken) => Task.WhenAll(accounts.Select(a => a.LoadAsync(ignoresLogout: true, cancellationToken)));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var saved = accounts.Select(account => account.EndAsync(logger, cancellationToken)).ToList();
        // Feeds save something too: the car's last values.
        await Task.WhenAll([base.StopAsync(cancellationToken), .. saved]);
        AllSaved = saved.All(s => s.Result);
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var account in accounts)
        {
            account.Dispose();
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        refresh.Add(accounts.SelectMany(a => a.TokenManagers));
        return Task.WhenAll(accounts.Select(account => health.WatchAsync(() => account.RunAsync(stoppingToken))));
    }
}

/// <summary>Encodes each new reading when it arrives, so that no scrape has to.</summary>
internal sealed class MetricsEncoding(MetricsCache exposition) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => exposition.RunAsync(stoppingToken);
}
