using Exporter.Metrics;
using Exporter.Tests.Support;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Metrics;

/// <summary>Reads both formats with the parsers of the Prometheus client for Python.</summary>
[Trait("Suite", "slow")]
public class PrometheusClientTests
{
    private static readonly LabelSet Kitchen = LabelSet.Of(("station", "Home"), ("module", "Kitchen"));

    private static readonly IReadOnlyList<MetricFamily> EveryKind =
    [
        MetricFamily.Gauge("weather_temperature_celsius", "How warm it is.", [
            new(Kitchen, 18.6), new(LabelSet.Of(("module", "Back\\yard \"old\"\nnew"), ("station", "Home")), -0.5)]),
        MetricFamily.Counter("weather_requests_total", "Requests sent.\nA \\ and a \"quote\".", [new(LabelSet.Empty, 1234567)]),
        MetricFamily.Info("weather_module_info", "What the module is.", [Kitchen.With("firmware", "53")]),
        MetricFamily.StateSet(
            "weather_token_state", "State of the token.", "state", [new(LabelSet.Of(("account", "home")), "active")], ["active", "lost"]),
        MetricFamily.Gauge("weather_empty", "No samples.", []),
    ];

    [Fact]
    public async Task Every_kind_is_read_in_both_formats()
    {
        EncodedMetrics[] parts = [Pages.Part(EveryKind), EncodedMetrics.Of(Histogram())];
        Golden.CheckPage("metrics/testdata/every-kind.prom", Pages.Text(ExpositionFormat.PrometheusText, parts));

        string[] expected =
        [
            .. EveryKind.SelectMany(Series),
            "weather_request_duration_seconds_bucket{le=0.1} 3",
            "weather_request_duration_seconds_bucket{le=1.0} 5",
            "weather_request_duration_seconds_bucket{le=+Inf} 6",
            "weather_request_duration_seconds_sum{} 4.25", "weather_request_duration_seconds_count{} 6",
        ];
        foreach (var format in Pages.Formats)
        {
            var read = await PrometheusClient.ReadAsync(format, Pages.Text(format, parts));

            var series = read.SelectMany(family => family.Series).Select(series => series.Replace("le=1}", "le=1.0}", StringComparison.Ordinal));
            Assert.Equal(expected.Order(StringComparer.Ordinal), series.Order(StringComparer.Ordinal));
            Assert.Equal("Requests sent.\nA \\ and a \"quote\".", read.Single(family => family.Name == "weather_requests").Help);
            Assert.Equal(["counter", "gauge", "gauge", "gauge", "histogram"], read.Select(family => family.Type).Order());
        }
    }

    [Fact]
    public async Task Unusual_labels_help_texts_and_values_survive()
    {
        var random = new Random(1);
        var families = Enumerable.Range(0, 2000).Select(i => Pages.RandomFamily(random, $"x{i}")).Where(family => family.Samples.Count > 0).ToList();
        foreach (var format in Pages.Formats)
        {
            var read = (await PrometheusClient.ReadAsync(format, Pages.Text(format, Pages.Part(families)))).ToDictionary(family => family.Name);

            Assert.Equal(families.Count, read.Count);
            foreach (var family in families)
            {
                var seen = read[family.Kind is MetricKind.Counter ? family.Name[..^"_total".Length] : family.Name];
                // A lone surrogate is written as U+FFFD, and the library omits a help text of only white space.
                Assert.Equal(family.Help.Replace("half \ud83c of", "half \ufffd of", StringComparison.Ordinal).Trim('\n'), seen.Help.Trim('\n'));
                Assert.Equal(Series(family).Order(StringComparer.Ordinal), seen.Series.Order(StringComparer.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("# TYPE a gauge\na 1\n")]
    [InlineData("# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x=\"1\"} 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n# EOF\n")]
    public async Task The_parser_of_OpenMetrics_rejects_invalid_pages(string page)
    {
        var (exitCode, _, error) = await PrometheusClient.RunAsync(ExpositionFormat.OpenMetricsText, page);

        Assert.Equal(1, exitCode);
        Assert.Contains("ValueError", error, StringComparison.Ordinal);
    }

    private static CollectorRegistry Histogram()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var histogram = Prometheus.Metrics.WithCustomRegistry(registry)
            .CreateHistogram("weather_request_duration_seconds", "How long requests took.", new HistogramConfiguration { Buckets = [0.1, 1] });
        foreach (var seconds in new[] { 0.0625, 0.0625, 0.0625, 0.5, 0.5625, 3 })
        {
            histogram.Observe(seconds);
        }
        return registry;
    }

    private static IEnumerable<string> Series(MetricFamily family) =>
        from sample in family.Samples
        let labels = string.Join(',', sample.Labels.Labels.Select(label => $"{label.Name}={label.Value}"))
        select $"{family.Name}{{{labels}}} {PrometheusClient.Number(sample.Value)}";
}
