using Exporter.Accounts;
using Microsoft.AspNetCore.Hosting.Server;

namespace Exporter.Web;

/// <summary>
/// Gives requests two seconds to end when the host stops. The host's own limit is longer, because saving tokens may take longer. The
/// host stops the server too, and then waits for this stop.
/// </summary>
internal sealed class Drain(IServer server, TimeProvider time) : DeferredWorker
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private Task drained = Task.CompletedTask;

    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        drained = DrainAsync();
        return Task.CompletedTask;
    }

    public override Task StopAsync(CancellationToken cancellationToken) => drained;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;

    private async Task DrainAsync()
    {
        using var patience = new CancellationTokenSource(Longest, time);
        await server.StopAsync(patience.Token);
    }
}
