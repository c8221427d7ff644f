using Microsoft.Extensions.Hosting;

namespace Exporter.Accounts;

/// <summary>
/// A background service that begins once the host has started, and so once the server listens: a program that cannot listen must not
/// send a refresh token first.
/// </summary>
public abstract class StartedWork : BackgroundService, IHostedLifecycleService
{
    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => base.StartAsync(cancellationToken);

    public virtual Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
