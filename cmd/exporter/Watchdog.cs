namespace Exporter;

/// <summary>
/// Pings the systemd watchdog until a background service of the host fails. Register it last, so that the other services have started
/// before it watches them.
/// </summary>
internal sealed class Watchdog(SystemdNotifier systemd, BackgroundHealth health, IServiceProvider services, ILogger<Watchdog> logger) : DeferredWorker
{
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation("shutting down");
        systemd.Stopping();
        return Task.CompletedTask;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var other in services.GetServices<IHostedService>().OfType<BackgroundService>().Where(service => service != this))
        {
            _ = health.WatchAsync(() => other.ExecuteTask ?? Task.CompletedTask);
        }
        return systemd.RunWatchdogAsync(() => health.IsHealthy, stoppingToken);
    }
}
