using System.Globalization;
using System.Text;
using System.Text.Json;
using Exporter.Tests.Support;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Metrics;

/// <summary>The parsers of the Prometheus client for Python, from Debian. The one for OpenMetrics is strict.</summary>
internal static class PrometheusClient
{
    /// <summary>The families of a valid page.</summary>
    public static async Task<IReadOnlyList<Family>> ReadAsync(ExpositionFormat format, string page)
    {
        var (exitCode, output, error) = await RunAsync(format, page);
        Assert.True(exitCode == 0, error);
        return [.. JsonDocument.Parse(output).RootElement.EnumerateArray().Select(family => new Family(
            family.GetProperty("name").GetString()!,
            family.GetProperty("type").GetString()!,
            family.GetProperty("help").GetString()!,
            [.. family.GetProperty("samples").EnumerateArray().Select(Series)]))];
    }

    private static string Series(JsonElement sample)
    {
        var labels = sample[1].EnumerateObject().OrderBy(label => label.Name, StringComparer.Ordinal)
            .Select(label => $"{label.Name}={label.Value.GetString()}");
        return $"{sample[0].GetString()}{{{string.Join(',', labels)}}} {Number(double.Parse(sample[2].GetString()!, CultureInfo.InvariantCulture))}";
    }

    /// <summary>Exit code 0 and the families as JSON, or exit code 1 and the error.</summary>
    public static Task<(int ExitCode, byte[] Output, string Error)> RunAsync(ExpositionFormat format, string page)
    {
        Peer.Find("/usr/lib/python3/dist-packages/prometheus_client/parser.py");
        var module = format == ExpositionFormat.OpenMetricsText ? "prometheus_client.openmetrics.parser" : "prometheus_client.parser";
        // Debian's package belongs to Debian's interpreter.
        return Peer.Run(
            "/usr/bin/python3", [Path.Combine(Golden.Root, "metrics/read_page.py"), module],
            Encoding.UTF8.GetBytes(page), TestContext.Current.CancellationToken);
    }

    /// <summary>The library writes a negative zero as zero in OpenMetrics.</summary>
    public static string Number(double value) => (value == 0 ? 0 : value).ToString("R", CultureInfo.InvariantCulture);

    internal sealed record Family(string Name, string Type, string Help, IReadOnlyList<string> Series);
}
