using System.Buffers;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Prometheus;

namespace Exporter.Bench;

/// <summary>From a reading to an encoded page, and from there to a response: 71 series of one station, and 14,200 series of 200 stations.</summary>
[MemoryDiagnoser, InProcess]
public class MetricsCacheBenchmarks
{
    private const int LiveSeries = 22;

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795000300);

    private readonly ArrayBufferWriter<byte> output = new(1 << 20);
    private readonly CollectorRegistry process = Prometheus.Metrics.NewCustomRegistry();
    private NetatmoReading reading = new(null, []);
    private FamilyGroup[] groups = [];
    private FamilyGroup[] live = [];
    private Gauge[] gauges = [];
    private EncodedMetrics warm = EncodedMetrics.Empty;

    [Params("small", "large")]
    public string Stations { get; set; } = "";

    [GlobalSetup]
    public void Read()
    {
        var json = NetatmoSample.Named(Stations).At(Now, favorites: true, deviceId: null)!;
        var data = NetatmoResponse.From(JsonElement.Parse(json))!.Data!;
        reading = NetatmoReading.From([data], SeriesLimit.Default).Value!;
        groups = [new(LabelSet.Of(("account", "home")), Families())];
        var families = Enumerable.Range(0, LiveSeries).Select(i => MetricFamily.Gauge($"bench_{i}_value", "A value that changes with time.", i));
        live = [new(LabelSet.Empty, [.. families])];
        gauges = [.. live[0].Families.Select(family => Prometheus.Metrics.WithCustomRegistry(process).CreateGauge(family.Name, family.Help))];
        warm = EncodedMetrics.Of(groups);
        warm.Prepare(ExpositionFormat.PrometheusText, gzip: true);
    }

    [Benchmark]
    public IReadOnlyList<MetricFamily> Families() =>
        [.. NetatmoMetrics.From(reading, new NetatmoMetricsOptions(TimeSpan.FromHours(1), Location: false), Now)];

    [Benchmark]
    public void Write_text() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.PrometheusText, gzip: false);

    [Benchmark]
    public void Write_OpenMetrics() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.OpenMetricsText, gzip: false);

    [Benchmark]
    public void Write_text_and_deflate() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.PrometheusText, gzip: true);

    [Benchmark]
    public void Live_metrics_in_a_new_registry() => EncodedMetrics.Of(live).Prepare(ExpositionFormat.PrometheusText, gzip: false);

    [Benchmark]
    public void Live_metrics_in_a_reused_registry()
    {
        foreach (var gauge in gauges)
        {
            gauge.Inc();
        }
        EncodedMetrics.Of(process).Prepare(ExpositionFormat.PrometheusText, gzip: false);
    }

    [Benchmark]
    public void A_scrape_of_an_encoded_page() => Scrape(gzip: false);

    [Benchmark]
    public void A_scrape_of_an_encoded_page_with_gzip() => Scrape(gzip: true);

    private void Scrape(bool gzip)
    {
        output.ResetWrittenCount();
        new MetricsPage(ExpositionFormat.PrometheusText, gzip, warm).WriteTo(output);
    }
}
