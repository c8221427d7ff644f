using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Metrics;

public class PageTests
{
    [Fact]
    public void A_page_is_the_concatenation_of_its_parts_compressed_or_not()
    {
        var random = new Random(2);
        for (var round = 0; round < 200; round++)
        {
            var parts = Enumerable.Range(0, random.Next(5))
                .Select(part => Pages.Part(Enumerable.Range(0, random.Next(6)).Select(i => Pages.RandomFamily(random, $"p{part}_{i}")))).ToArray();
            foreach (var format in Pages.Formats)
            {
                var end = format == ExpositionFormat.OpenMetricsText ? "# EOF\n" : "";
                var expected = string.Concat(parts.Select(part => Pages.Text(format, part)[..^end.Length])) + end;
                var gzip = Pages.Assembled(format, gzip: true, parts);

                Assert.Equal(expected, Pages.Text(format, parts));
                Assert.Equal(expected, Encoding.UTF8.GetString(Pages.Gunzip(gzip)));
                Assert.Equal(1, Members(gzip));
            }
        }
    }

    [Fact]
    public async Task The_gzip_program_accepts_a_page_of_several_parts()
    {
        EncodedMetrics[] parts = [Pages.Part(Pages.Large()), EncodedMetrics.Empty, Pages.Part([MetricFamily.Gauge("account_up", "Whether.", 1)])];
        var page = Pages.Assembled(ExpositionFormat.OpenMetricsText, gzip: true, parts);

        var (exitCode, output, error) = await Peer.Run("zcat", [], page, TestContext.Current.CancellationToken);

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.Equal(Pages.Assembled(ExpositionFormat.OpenMetricsText, gzip: false, parts), output);
    }

    [Fact]
    public void An_empty_page_is_valid()
    {
        Assert.Empty(Pages.Assembled(ExpositionFormat.PrometheusText, gzip: false));
        Assert.Empty(Pages.Gunzip(Pages.Assembled(ExpositionFormat.PrometheusText, gzip: true)));
        var openMetrics = Pages.Assembled(ExpositionFormat.OpenMetricsText, gzip: true, EncodedMetrics.Empty);
        Assert.Equal("# EOF\n", Encoding.UTF8.GetString(Pages.Gunzip(openMetrics)));
    }

    [Fact]
    public void A_part_ends_in_a_sync_flush() =>
        Assert.Equal([0, 0, 0xff, 0xff], Pages.Part(Pages.Large()).In(ExpositionFormat.PrometheusText).Deflated.Stream[^4..]);

    [Fact]
    public void A_registry_is_encoded_at_the_first_use_of_a_format()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var counter = Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter("calls_total", "Calls.");
        var part = EncodedMetrics.Of(registry);
        counter.Inc();

        Assert.EndsWith("calls_total 1\n", Pages.Text(part), StringComparison.Ordinal);
        counter.Inc();
        Assert.EndsWith("calls_total 1\n", Pages.Text(part), StringComparison.Ordinal);
        Assert.EndsWith("calls_total 2\n", Pages.Text(EncodedMetrics.Of(registry)), StringComparison.Ordinal);
    }

    [Fact]
    public void Live_values_are_updated_and_series_without_a_value_disappear()
    {
        var live = new LiveMetrics();
        var at = LabelSet.Of(("at", "home"));
        var first = Pages.Text(live.Set([MetricFamily.Gauge("a", "A.", 1), B(new(LabelSet.Empty, 1), new(at, 1))]));
        var second = Pages.Text(live.Set([MetricFamily.Gauge("a", "A.", 2), B(new(LabelSet.Empty, 2), new(at, 1))]));
        var third = Pages.Text(live.Set([B(new Sample(LabelSet.Empty, 3)), MetricFamily.Gauge("c", "C.", 1)]));

        const string Header = "# HELP a A.\n# HELP b_total B.\n# TYPE a gauge\n# TYPE b_total counter\n";
        Assert.Equal(Header + "a{} 1\nb_total{at=\"home\"} 1\nb_total{} 1\n", PageText.Canonical(first));
        Assert.Equal(Header + "a{} 2\nb_total{at=\"home\"} 1\nb_total{} 2\n", PageText.Canonical(second));
        Assert.Equal("# HELP b_total B.\n# HELP c C.\n# TYPE b_total counter\n# TYPE c gauge\nb_total{} 3\nc{} 1\n", PageText.Canonical(third));

        static MetricFamily B(params IEnumerable<Sample> samples) => MetricFamily.Counter("b_total", "B.", samples);
    }

    [Fact]
    public void Concurrent_threads_encode_a_part_once()
    {
        const int Threads = 8;
        var part = Pages.Part(Pages.Large()).In(ExpositionFormat.PrometheusText);
        var allocated = new ConcurrentBag<long>();
        var arrays = new ConcurrentBag<(byte[] Bytes, DeflatedText Deflated)>();
        using var start = new Barrier(Threads);
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            start.SignalAndWait();
            var before = GC.GetAllocatedBytesForCurrentThread();
            arrays.Add((part.Bytes, part.Deflated));
            allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        var (bytes, deflated) = Assert.Single(arrays.Distinct());
        Assert.NotEmpty(deflated.Stream);
        Assert.Single(allocated, by => by >= bytes.Length);
    }

    [Fact]
    public void Combined_checksums_are_the_checksum_of_the_whole()
    {
        var random = new Random(3);
        Assert.Equal(0xCBF43926, DeflatedText.From("123456789"u8.ToArray()).Crc);
        foreach (var length in Enumerable.Range(0, 70).Append(70_000))
        {
            var text = new byte[length];
            random.NextBytes(text);
            var cut = random.Next(length + 1);
            var (first, second) = (DeflatedText.From(text[..cut]), DeflatedText.From(text[cut..]));

            Assert.Equal(DeflatedText.From(text).Crc, Crc32.Combine(first.Crc, second.Crc, second.Shift));
        }
    }

    // GZipStream reads concatenated members as one text; DeflateStream stops at the end of the first.
    private static int Members(byte[] gzip)
    {
        var source = new MemoryStream(gzip[10..]);
        using var deflate = new DeflateStream(source, CompressionMode.Decompress);
        var length = 0;
        while (deflate.ReadByte() >= 0)
        {
            length++;
        }
        return BinaryPrimitives.ReadUInt32LittleEndian(gzip.AsSpan()[^4..]) == length ? 1 : 2;
    }
}
