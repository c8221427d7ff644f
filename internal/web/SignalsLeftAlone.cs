using Microsoft.Extensions.Hosting;

namespace Exporter.Web;

/// <summary>
/// Instead of the host's own lifetime, which takes SIGTERM, SIGINT and SIGQUIT for itself, and stops the application where the
/// program has more to end than that. Signals are the program's.
/// </summary>
public sealed class SignalsLeftAlone : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
