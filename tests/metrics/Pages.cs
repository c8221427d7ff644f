using System.Buffers;
using System.IO.Compression;
using System.Text;
using Exporter.Metrics;
using Xunit;

namespace Exporter.Tests.Metrics;

/// <summary>Pages for tests: written the plain way, read back, made up at random.</summary>
internal static class Pages
{
    public static readonly ExpositionFormat[] Formats = [ExpositionFormat.Text, ExpositionFormat.OpenMetrics];

    private static readonly string[] Words =
        ["", "a", "Küche", "back\\slash", "say \"hi\"", "two\nlines", "🌡", "half \ud83c of a pair", "\\n", "\"", "\\", "\n", new('x', 1500)];

    private static readonly double[] Values =
        [0, -0.0, 1, -1, 18.6, 1034.2, 0.1 + 0.2, 1e15, 1e16, 123456789012345, 1e-7, double.MaxValue, double.Epsilon, double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    public static string Plain(ExpositionFormat format, params IEnumerable<MetricFamily> families)
    {
        var output = new ArrayBufferWriter<byte>();
        format.Write(output, families);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    public static byte[] Assembled(ExpositionFormat format, bool gzip, Rendered[] blocks, LiveFamily[] live)
    {
        var output = new ArrayBufferWriter<byte>();
        using var page = new Page(format, gzip, blocks, live);
        page.WriteTo(output);
        Assert.Equal(page.Length, output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] Gunzip(byte[] member)
    {
        using var stream = new GZipStream(new MemoryStream(member), CompressionMode.Decompress);
        var text = new MemoryStream();
        stream.CopyTo(text);
        return text.ToArray();
    }

    /// <summary>As many series as a large Netatmo account has: nine gauges of 1,000 modules.</summary>
    public static MetricFamily[] Large(double value = 18.6) =>
        [.. Enumerable.Range(0, 9).Select(metric => MetricFamily.Gauge($"weather_{(char)('a' + metric)}_celsius", "What a module says.",
            Enumerable.Range(0, 1000).Select(module => new Sample(
                LabelSet.Of(("home", $"Home {module / 50}"), ("station", $"Station {module / 5}"), ("module", $"Module {module}")), value + module + (metric / 10.0)))))];

    public static MetricFamily RandomFamily(Random random, string prefix)
    {
        var name = $"{prefix}_{random.Next(1000)}{random.GetItems(["", "_seconds", "_bytes"], 1)[0]}";
        var labels = Enumerable.Range(0, random.Next(6)).Select(_ => RandomLabels(random)).ToList();
        var samples = labels.ConvertAll(set => new Sample(set, RandomValue(random)));
        var help = random.GetItems(Words, 1)[0];
        return random.Next(6) switch
        {
            0 => MetricFamily.Gauge(name, help, samples),
            1 => MetricFamily.Counter(name + "_total", help, samples),
            2 => MetricFamily.Info(name + "_info", help, labels),
            3 => MetricFamily.StateSet(name, help, "state", labels.Select(set => new StateSample(set, random.GetItems(["on", "off"], 1)[0])), ["on", "off"]),
            4 => MetricFamily.Histogram(name, help, labels.Select(set => new HistogramSample(set, RandomHistogram(random)))),
            _ => MetricFamily.Unknown(name, help, samples),
        };
    }

    /// <summary>A live family, and the family it is at this moment.</summary>
    public static (LiveFamily Live, MetricFamily Now) RandomLive(Random random, string prefix)
    {
        var name = $"{prefix}_{random.Next(1000)}_seconds";
        var series = Enumerable.Range(0, random.Next(6))
            .Select(_ => (Labels: RandomLabels(random), Value: random.Next(4) == 0 ? (double?)null : RandomValue(random)))
            .DistinctBy(one => one.Labels).ToList();
        var live = series.Select(one => new LiveSeries(one.Labels, () => one.Value));
        var now = series.Where(one => one.Value is not null).Select(one => new Sample(one.Labels, one.Value!.Value));
        return random.Next(2) == 0
            ? (LiveFamily.Gauge(name, "Live \\ \"now\"", live), MetricFamily.Gauge(name, "Live \\ \"now\"", now))
            : (LiveFamily.Counter(name + "_total", "Live", live), MetricFamily.Counter(name + "_total", "Live", now));
    }

    private static LabelSet RandomLabels(Random random) =>
        LabelSet.Of([.. new[] { "home", "module", "a" }.Where(_ => random.Next(3) > 0).Select(name => (name, random.GetItems(Words, 1)[0]))]);

    private static double RandomValue(Random random) => random.Next(2) == 0 ? random.GetItems(Values, 1)[0] : BitConverter.Int64BitsToDouble(random.NextInt64());

    private static HistogramValue RandomHistogram(Random random)
    {
        var bounds = new[] { 0.0, 0.005, 0.1, 1, 2.5, 10, 1e15, 1e16, 1e20 }.Where(_ => random.Next(2) == 0).ToArray();
        return new(bounds, [.. Enumerable.Range(0, bounds.Length + 1).Select(_ => (long)random.Next(5))], random.NextDouble());
    }
}
