using System.Globalization;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Metrics;

public class ExpositionTests
{
    private static readonly LabelSet Kitchen = LabelSet.Of(("station", "Home"), ("module", "Kitchen"));

    private static readonly IReadOnlyList<MetricFamily> EveryKind = MetricFamily.Merge([[
        MetricFamily.Gauge("weather_temperature_celsius", "How warm it is.", [
            new(Kitchen, 18.6), new(LabelSet.Of(("module", "Back\\yard \"old\"\nnew"), ("station", "Home")), -0.5)]),
        MetricFamily.Counter("weather_requests_total", "Requests sent.\nA \\ and a \"quote\".", 1234567),
        MetricFamily.Info("weather_module_info", "What the module is.", Kitchen.With("firmware", "53")),
        MetricFamily.StateSet("weather_token_state", "How the token is.", "state", [new(LabelSet.Of(("account", "home")), "active")], ["active", "lost"]),
        MetricFamily.Histogram("weather_request_duration_seconds", "How long requests took.", [new(LabelSet.Empty, new([0.1, 1], [3, 2, 1], 4.25))]),
        MetricFamily.Unknown("weather_anything", "Nobody knows.", [new(LabelSet.Empty, double.NaN)]),
        MetricFamily.Gauge("weather_empty", "Nothing to see.", []),
    ]]);

    [Fact]
    public void Every_kind_in_the_text_format() => Golden.Check("metrics/testdata/every-kind.prom", Pages.Plain(ExpositionFormat.Text, EveryKind));

    [Fact]
    public void Every_kind_in_OpenMetrics()
    {
        var page = Pages.Plain(ExpositionFormat.OpenMetrics, EveryKind);

        Golden.Check("metrics/testdata/every-kind.openmetrics", page);
        Assert.Equal(6, OpenMetricsReader.Read(page).Count);
    }

    [Fact]
    public void The_content_types_name_format_version_and_charset()
    {
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", ExpositionFormat.Text.ContentType);
        Assert.Equal("application/openmetrics-text; version=1.0.0; charset=utf-8", ExpositionFormat.OpenMetrics.ContentType);
    }

    [Theory]
    [InlineData(18.6, "18.6")]
    [InlineData(1034.2, "1034.2")]
    [InlineData(0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(-17, "-17")]
    [InlineData(1763700000, "1763700000")]
    [InlineData(1e15, "1000000000000000")]
    [InlineData(-9007199254740991, "-9007199254740991")]
    [InlineData(1e20, "1E+20")]
    [InlineData(-1e300, "-1E+300")]
    [InlineData(0.00001, "1E-05")]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(-2.2250738585072014E-308, "-2.2250738585072014E-308")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void A_value_is_written_as_the_shortest_text_that_reads_back(double value, string text)
    {
        foreach (var format in Pages.Formats)
        {
            var line = Pages.Plain(format, MetricFamily.Gauge("x", "X.", value)).Split('\n')[2];
            Assert.Equal("x " + text, line);
        }
        if (double.IsFinite(value))
        {
            Assert.Equal(value, double.Parse(text, CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public void A_random_page_is_OpenMetrics_to_a_strict_reader_and_keeps_every_value()
    {
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var families = MetricFamily.Merge([Enumerable.Range(0, 8).Select(i => Pages.RandomFamily(random, $"x{i}"))]);
            var read = OpenMetricsReader.Read(Pages.Plain(ExpositionFormat.OpenMetrics, families));

            var written = families.Where(family => family.Samples.Count > 0 || family.Histograms.Count > 0).ToList();
            Assert.Equal(written.Count, read.Count);
            foreach (var (family, seen) in written.Zip(read))
            {
                Assert.Equal(family.Help, Repaired(seen.Help!), ignoreLineEndingDifferences: false);
                Assert.Equal(family.Unit, seen.Unit);
                if (family.Kind != MetricKind.Histogram)
                {
                    Assert.Equal(family.Samples.Select(sample => sample.Value), seen.Samples.Select(sample => sample.Value));
                    Assert.Equal(family.Samples.Select(sample => sample.Labels), seen.Samples.Select(sample => LabelSet.Of([.. sample.Labels.Select(label => (label.Key, label.Value))])));
                }
            }
        }

        // Half a pair in a help text is written as U+FFFD; here it is compared as what it was.
        static string Repaired(string help) => help.Replace("half \ufffd of", "half \ud83c of", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1\n# EOF\n", "TYPE is first")]
    [InlineData("# TYPE a gauge\na 1\n", "ends in # EOF")]
    [InlineData("# TYPE a gauge\na 1\n# EOF\n# EOF\n", "nothing follows")]
    [InlineData("# TYPE a counter\na 1\n# EOF\n", "is a sample of")]
    [InlineData("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n", "suffix of its family")]
    [InlineData("# TYPE a gauge\na 1\na 2\n# EOF\n", "stands once")]
    [InlineData("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x=\"1\"} 1\n# EOF\n", "a stands once")]
    [InlineData("# TYPE a gauge\nb 1\n# EOF\n", "is a sample of")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n# EOF\n", "last bucket")]
    [InlineData("# TYPE a gauge\n# HELP a say \"hi\"\na 1\n# EOF\n", "bare quotation mark")]
    [InlineData("# TYPE a gauge\na{x=\"\\t\"} 1\n# EOF\n", "are escapes")]
    [InlineData("# TYPE a gauge\n# EOF\n", "followed by samples")]
    public void The_strict_reader_is_strict(string page, string rule) =>
        Assert.Contains(rule, Assert.Throws<FormatException>(() => OpenMetricsReader.Read(page)).Message, StringComparison.Ordinal);
}
