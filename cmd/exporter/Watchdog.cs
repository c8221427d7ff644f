using Exporter.Accounts;

namespace Exporter;

/// <summary>
/// Watches the other services of the host, and tells systemd that the program lives as long as none of them has failed. Register it
/// last, so that the others have started before it looks at them.
/// </summary>
internal sealed class Watchdog(Systemd systemd, BackgroundHealth health, IServiceProvider services, ILogger<Watchdog> logger) : DeferredWorker
{
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation("told to end");
        systemd.Stopping();
        return Task.CompletedTask;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var other in services.GetServices<IHostedService>().OfType<BackgroundService>().Where(service => service != this))
        {
            _ = health.WatchAsync(() => other.ExecuteTask ?? Task.CompletedTask);
        }
        return systemd.RunAsync(() => health.IsHealthy, stoppingToken);
    }
}
