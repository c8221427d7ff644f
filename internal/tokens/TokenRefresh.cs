using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tokens;

/// <summary>
/// Renews the tokens of a container before they expire. In a host, it is a hosted service. Without a host, it starts with the first token
/// and runs until the container is disposed of. Safe for concurrent use.
/// </summary>
public sealed class TokenRefresh : BackgroundService
{
    private readonly ConcurrentQueue<TokenManager> managers = new();
    private readonly RefreshLoop loop;
    private int started;

    public TokenRefresh(TimeProvider time, ILogger<RefreshLoop>? logger = null) =>
        loop = new RefreshLoop(managers, time, logger ?? NullLogger<RefreshLoop>.Instance);

    /// <summary>Renews these tokens too.</summary>
    public void Add(IEnumerable<TokenManager> added)
    {
        foreach (var manager in added)
        {
            managers.Enqueue(manager);
        }
        _ = StartAsync(CancellationToken.None);
    }

    /// <summary>Does nothing when it has started before.</summary>
    public override Task StartAsync(CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref started, 1) == 0 ? base.StartAsync(cancellationToken) : Task.CompletedTask;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.RunAsync(stoppingToken);
}
