using System.Buffers;
using System.IO.Compression;
using System.Text;
using Exporter.Accounts;
using Exporter.Metrics;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Metrics;

/// <summary>Creates and decodes pages, including random ones.</summary>
internal static class Pages
{
    public static readonly ExpositionFormat[] Formats = [ExpositionFormat.PrometheusText, ExpositionFormat.OpenMetricsText];

    private static readonly string[] Words =
        ["", "a", "Küche", "back\\slash", "say \"hi\"", "two\nlines", "🌡", "half \ud83c of a pair", "\\n", "\"", "\\", "\n", new('x', 1500)];

    private static readonly double[] Values =
    [
        0, -0.0, 1, -1, 18.6, 1034.2, 0.1 + 0.2, 1e15, 1e16, 123456789012345, 1e-7,
        double.MaxValue, double.Epsilon, double.NaN, double.PositiveInfinity, double.NegativeInfinity,
    ];

    /// <summary>A page of the families in text format 0.0.4.</summary>
    public static string Text(IEnumerable<MetricFamily> families) => Text(ExpositionFormat.PrometheusText, Part(families));

    public static string Text(CollectorRegistry registry) => Text(EncodedMetrics.Of(registry));

    public static string Text(EncodedMetrics part) => Text(ExpositionFormat.PrometheusText, part);

    public static string Text(MetricsSnapshot snapshot) =>
        Encoding.UTF8.GetString(Written(snapshot.Page(ExpositionFormat.PrometheusText, gzip: false)));

    public static string Text(ExpositionFormat format, params ReadOnlySpan<EncodedMetrics> parts) =>
        Encoding.UTF8.GetString(Assembled(format, gzip: false, parts));

    public static EncodedMetrics Part(IEnumerable<MetricFamily> families) => EncodedMetrics.Of(new FamilyGroup(LabelSet.Empty, [.. families]));

    public static byte[] Assembled(ExpositionFormat format, bool gzip, params ReadOnlySpan<EncodedMetrics> parts) =>
        Written(new MetricsPage(format, gzip, parts));

    public static byte[] Gunzip(byte[] member)
    {
        using var stream = new GZipStream(new MemoryStream(member), CompressionMode.Decompress);
        var text = new MemoryStream();
        stream.CopyTo(text);
        return text.ToArray();
    }

    /// <summary>The series of a large Netatmo account: nine gauges of 1,000 modules.</summary>
    public static MetricFamily[] Large(double value = 18.6) =>
        [.. Enumerable.Range(0, 9).Select(metric => MetricFamily.Gauge($"weather_{(char)('a' + metric)}_celsius", "A module's value.",
            Enumerable.Range(0, 1000).Select(module => new Sample(
                LabelSet.Of(("home", $"Home {module / 50}"), ("station", $"Station {module / 5}"), ("module", $"Module {module}")),
                value + module + (metric / 10.0)))))];

    public static MetricFamily RandomFamily(Random random, string prefix)
    {
        var name = $"{prefix}_{random.Next(1000)}{random.GetItems(["", "_seconds", "_bytes"], 1)[0]}";
        var labels = Enumerable.Range(0, random.Next(6)).Select(_ => RandomLabels(random)).ToList();
        var samples = labels.ConvertAll(set => new Sample(set, RandomValue(random)));
        var help = random.GetItems(Words, 1)[0];
        return random.Next(4) switch
        {
            0 => MetricFamily.Gauge(name, help, samples),
            1 => MetricFamily.Counter(name + "_total", help, samples),
            2 => MetricFamily.Info(name + "_info", help, labels),
            _ => MetricFamily.StateSet(
                name, help, "state", labels.Select(set => new StateSample(set, random.GetItems(["on", "off"], 1)[0])), ["on", "off"]),
        };
    }

    private static byte[] Written(MetricsPage page)
    {
        var output = new ArrayBufferWriter<byte>();
        page.WriteTo(output);
        Assert.Equal(page.Length, output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    private static LabelSet RandomLabels(Random random) =>
        LabelSet.Of([.. new[] { "home", "module", "a" }.Where(_ => random.Next(3) > 0).Select(name => (name, random.GetItems(Words, 1)[0]))]);

    private static double RandomValue(Random random) =>
        random.Next(2) == 0 ? random.GetItems(Values, 1)[0] : BitConverter.Int64BitsToDouble(random.NextInt64());
}
