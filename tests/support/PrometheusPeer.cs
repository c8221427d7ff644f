using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>A real Prometheus that scrapes one address every second, with the shipped alert rules.</summary>
internal sealed class PrometheusPeer : IAsyncDisposable
{
    private readonly Peer process;
    private readonly HttpClient http;

    private PrometheusPeer(Peer process, HttpClient http) => (this.process, this.http) = (process, http);

    /// <param name="more">Further lines of the scrape configuration.</param>
    public static async Task<PrometheusPeer> StartAsync(
        TemporaryDirectory directory, string target, CancellationToken cancellationToken, params IEnumerable<string> more)
    {
        var config = directory.Write("prometheus.yml", $"""
            global: {"{"}scrape_interval: 1s{"}"}
            rule_files: ["{Path.Combine(Golden.Root, "../examples/prometheus/exporter-rules.yml")}"]
            scrape_configs:
              - job_name: exporter
                static_configs: [{"{"}targets: ["{target}"]{"}"}]
            {string.Join('\n', more.Select(line => $"    {line}"))}
            """);
        var port = FreePort.Take();
        var process = Peer.Start(
            "prometheus", $"--config.file={config}", $"--storage.tsdb.path={directory["data"]}", $"--web.listen-address=127.0.0.1:{port}");
        try
        {
            await process.Says("Server is ready to receive web requests", cancellationToken);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
        return new PrometheusPeer(process, new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
    }

    /// <summary>The values of an instant query, repeated until it returns some.</summary>
    public async Task<IReadOnlyList<double>> ValuesAsync(string query, CancellationToken cancellationToken)
    {
        while (true)
        {
            double[] values = [.. (await ResultAsync(query, cancellationToken)).EnumerateArray()
                .Select(r => double.Parse(r.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture))];
            if (values.Length > 0)
            {
                return values;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>The number of series that an instant query returns.</summary>
    /// <exception cref="HttpRequestException">The expression is invalid, or the query fails.</exception>
    public async Task<int> CountAsync(string query, CancellationToken cancellationToken) =>
        (await ResultAsync(query, cancellationToken)).GetArrayLength();

    /// <summary>Repeats an instant query until it returns this number of series, for at most a minute.</summary>
    public async Task CountsAsync(string query, Func<int, bool> isRight, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        for (int count; !isRight(count = await CountAsync(query, cancellationToken));)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromMinutes(1), $"This gives {count} series:\n{query}");
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Repeats instant queries until each returns a series, for at most a minute.</summary>
    public async Task AllGiveDataAsync(IEnumerable<string> queries, CancellationToken cancellationToken)
    {
        var silent = queries.ToHashSet();
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            foreach (var query in silent.ToList())
            {
                if (await CountAsync(query, cancellationToken) > 0)
                {
                    silent.Remove(query);
                }
            }
            if (silent.Count == 0)
            {
                return;
            }
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromMinutes(1), $"These give no data:\n{string.Join('\n', silent)}");
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>The values of a label of the series that match a selector.</summary>
    public async Task<IReadOnlyList<string>> LabelValuesAsync(string selector, string label, CancellationToken cancellationToken)
    {
        var values = await DataAsync($"/api/v1/label/{label}/values?match[]={Uri.EscapeDataString(selector)}", cancellationToken);
        return [.. values.EnumerateArray().Select(value => value.GetString()!)];
    }

    /// <summary>The shipped alert rules, as Prometheus reports them.</summary>
    public async Task<IReadOnlyList<(string Name, string Expression)>> RulesAsync(CancellationToken cancellationToken)
    {
        var data = await DataAsync("/api/v1/rules", cancellationToken);
        return [.. from rules in data.GetProperty("groups").EnumerateArray()
                   from rule in rules.GetProperty("rules").EnumerateArray()
                   select (rule.GetProperty("name").GetString()!, rule.GetProperty("query").GetString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await process.DisposeAsync();
    }

    private async Task<JsonElement> ResultAsync(string query, CancellationToken cancellationToken) =>
        (await DataAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}", cancellationToken)).GetProperty("result");

    private async Task<JsonElement> DataAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = JsonDocument.Parse(await http.GetStringAsync(path, cancellationToken));
        return answer.RootElement.GetProperty("data").Clone();
    }
}
