using System.Buffers;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Exporter.Metrics;
using Exporter.Netatmo;
using Exporter.Sandbox;

namespace Exporter.Bench;

/// <summary>From a reading to the bytes of a page, and from these to an answer: the 71 series of one station, and the 14,200 of 200.</summary>
[MemoryDiagnoser, InProcess]
public class ExpositionBenchmarks
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795000300);

    private readonly ArrayBufferWriter<byte> output = new(1 << 20);
    private readonly LiveFamily[] live = [LiveFamily.Gauge("bench_value", "A value read at the scrape.", () => 42)];
    private NetatmoReading reading = new(null, []);
    private IReadOnlyList<MetricFamily> families = [];
    private IReadOnlyList<MetricFamily>[] accounts = [];
    private Rendered warm = Rendered.Empty;

    [Params("small", "large")]
    public string Stations { get; set; } = "";

    [GlobalSetup]
    public void Read()
    {
        var answer = JsonSerializer.Deserialize(NetatmoSample.Named(Stations).At(Now, favorites: true, deviceId: null)!, Exporter.Netatmo.NetatmoJson.Default.WireAnswer)!;
        reading = NetatmoReading.From(new StationsData(answer.Body!.Devices!, answer.TimeServer));
        families = Families();
        accounts = [.. Enumerable.Range(0, 10).Select(i => (IReadOnlyList<MetricFamily>)[.. families.Select(f => f.With("account", $"account-{i}"))])];
        warm = new Rendered(families);
        warm.Prepare(ExpositionFormat.Text, gzip: true);
    }

    [Benchmark]
    public IReadOnlyList<MetricFamily> Families() => [.. NetatmoMetrics.From(reading, new NetatmoMetricsOptions(TimeSpan.FromHours(1), Location: false), Now)];

    [Benchmark]
    public IReadOnlyList<MetricFamily> Merge_of_ten_accounts() => MetricFamily.Merge(accounts);

    [Benchmark]
    public void Write_text() => Reset().Prepare(ExpositionFormat.Text, gzip: false);

    [Benchmark]
    public void Write_OpenMetrics() => Reset().Prepare(ExpositionFormat.OpenMetrics, gzip: false);

    [Benchmark]
    public void Write_text_and_deflate() => Reset().Prepare(ExpositionFormat.Text, gzip: true);

    [Benchmark]
    public void A_scrape_of_what_is_encoded() => Scrape(gzip: false);

    [Benchmark]
    public void A_scrape_of_what_is_encoded_with_gzip() => Scrape(gzip: true);

    private Rendered Reset() => new(families);

    private void Scrape(bool gzip)
    {
        output.ResetWrittenCount();
        Page.Write(output, ExpositionFormat.Text, gzip, [warm], live);
    }
}
