using System.Collections;
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
    private readonly ManagerList managers = new();
    private readonly RefreshLoop loop;
    private int started;

    public TokenRefresh(TimeProvider time, ILogger<RefreshLoop>? logger = null) =>
        loop = new RefreshLoop(managers, time, logger ?? NullLogger<RefreshLoop>.Instance);

    /// <summary>Renews these tokens too.</summary>
    public void Add(IEnumerable<TokenManager> added)
    {
        managers.Change(current => [.. current, .. added]);
        _ = StartAsync(CancellationToken.None);
    }

    /// <summary>Renews these tokens no longer. A renewal in flight continues.</summary>
    public void Remove(IEnumerable<TokenManager> removed) => managers.Change(current => [.. current.Except(removed)]);

    /// <summary>Does nothing when it has started before.</summary>
    public override Task StartAsync(CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref started, 1) == 0 ? base.StartAsync(cancellationToken) : Task.CompletedTask;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.RunAsync(stoppingToken);

    /// <summary>The loop enumerates it every second, so a change makes a new array.</summary>
    private sealed class ManagerList : IReadOnlyCollection<TokenManager>
    {
        private readonly Lock gate = new();
        private volatile TokenManager[] current = [];

        public int Count => current.Length;

        public void Change(Func<TokenManager[], TokenManager[]> change)
        {
            lock (gate)
            {
                current = change(current);
            }
        }

        public IEnumerator<TokenManager> GetEnumerator() => ((IEnumerable<TokenManager>)current).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
