using System.Buffers;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Exporter.Metrics;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Prometheus;

namespace Exporter.Bench;

/// <summary>From a reading to the bytes of a page, and from these to an answer: the 71 series of one station, and the 14,200 of 200.</summary>
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
        var sample = NetatmoSample.Named(Stations).At(Now, favorites: true, deviceId: null)!;
        reading = NetatmoReading.From(NetatmoResponse.From(JsonElement.Parse(sample))!.Data!);
        groups = [new(LabelSet.Of(("account", "home")), Families())];
        live = [new(LabelSet.Empty, [.. Enumerable.Range(0, LiveSeries).Select(i => MetricFamily.Gauge($"bench_{i}_value", "A value that time alone changes.", i))])];
        gauges = [.. live[0].Families.Select(family => Prometheus.Metrics.WithCustomRegistry(process).CreateGauge(family.Name, family.Help))];
        warm = EncodedMetrics.Of(groups);
        warm.Prepare(ExpositionFormat.PrometheusText, gzip: true);
    }

    [Benchmark]
    public IReadOnlyList<MetricFamily> Families() => [.. NetatmoMetrics.From(reading, new NetatmoMetricsOptions(TimeSpan.FromHours(1), Location: false), Now)];

    [Benchmark]
    public void Write_text() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.PrometheusText, gzip: false);

    [Benchmark]
    public void Write_OpenMetrics() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.OpenMetricsText, gzip: false);

    [Benchmark]
    public void Write_text_and_deflate() => EncodedMetrics.Of(groups).Prepare(ExpositionFormat.PrometheusText, gzip: true);

    [Benchmark]
    public void A_look_from_a_new_registry() => EncodedMetrics.Of(live).Prepare(ExpositionFormat.PrometheusText, gzip: false);

    [Benchmark]
    public void A_look_from_a_registry_that_stays()
    {
        foreach (var gauge in gauges)
        {
            gauge.Inc();
        }
        EncodedMetrics.Of(process).Prepare(ExpositionFormat.PrometheusText, gzip: false);
    }

    [Benchmark]
    public void A_scrape_of_what_is_encoded() => Scrape(gzip: false);

    [Benchmark]
    public void A_scrape_of_what_is_encoded_with_gzip() => Scrape(gzip: true);

    private void Scrape(bool gzip)
    {
        output.ResetWrittenCount();
        new MetricsPage(ExpositionFormat.PrometheusText, gzip, warm).WriteTo(output);
    }
}
