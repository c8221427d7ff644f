using System.Collections.Concurrent;

namespace Exporter.Tests.Cluster;

/// <summary>Scrapes a metrics page again and again until it is disposed of, and keeps what went wrong.</summary>
internal sealed class Scrapes : IAsyncDisposable
{
    // The default scrape_timeout of Prometheus.
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentQueue<string> failures = new();
    private readonly Task scraping;
    private int count;

    /// <param name="isWhole">Whether the page has what it must have.</param>
    public Scrapes(Uri address, Func<string, bool> isWhole) => scraping = ScrapeAsync(new Uri(address, "/metrics"), isWhole);

    public int Count => Volatile.Read(ref count);

    public IReadOnlyCollection<string> Failures => failures;

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await scraping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Dispose();
        ending.Dispose();
    }

    private async Task ScrapeAsync(Uri address, Func<string, bool> isWhole)
    {
        while (true)
        {
            try
            {
                using var response = await http.GetAsync(address, ending.Token);
                var page = await response.Content.ReadAsStringAsync(ending.Token);
                if (!response.IsSuccessStatusCode || !isWhole(page))
                {
                    failures.Enqueue($"scrape {Count}: {(int)response.StatusCode} {page[..Math.Min(page.Length, 200)]}");
                }
            }
            catch (Exception e) when (!ending.IsCancellationRequested)
            {
                failures.Enqueue($"scrape {Count}: {e.Message}");
            }
            Interlocked.Increment(ref count);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, ending.Token);
        }
    }
}
