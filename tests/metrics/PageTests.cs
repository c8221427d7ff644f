using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Metrics;

public class PageTests
{
    [Fact]
    public void A_page_is_byte_for_byte_what_the_plain_writer_gives()
    {
        var random = new Random(2);
        for (var round = 0; round < 200; round++)
        {
            var blocks = Enumerable.Range(0, random.Next(4))
                .Select(block => new Rendered(Enumerable.Range(0, random.Next(6)).Select(i => Pages.RandomFamily(random, $"b{block}_{i}")))).ToArray();
            var live = Enumerable.Range(0, random.Next(5)).Select(i => Pages.RandomLive(random, $"live_{i}")).ToArray();
            var families = blocks.SelectMany(block => block.Families).Concat(live.Select(one => one.Now)).ToList();

            foreach (var format in Pages.Formats)
            {
                var expected = Pages.Plain(format, families);
                var plain = Pages.Assembled(format, gzip: false, blocks, [.. live.Select(one => one.Live)]);
                var gzip = Pages.Assembled(format, gzip: true, blocks, [.. live.Select(one => one.Live)]);

                Assert.Equal(expected, Encoding.UTF8.GetString(plain));
                Assert.Equal(expected, Encoding.UTF8.GetString(Pages.Gunzip(gzip)));
                Assert.Equal(1, Members(gzip));
            }
        }
    }

    [Fact]
    public async Task The_gzip_program_accepts_a_page_of_several_blocks_and_much_that_is_live()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var large = new Rendered(Pages.Large());
        var small = new Rendered([MetricFamily.Gauge("account_up", "Whether.", 1)]);
        // More than one stored block holds.
        var live = LiveFamily.Gauge("live_seconds", "Now.", Enumerable.Range(0, 5000).Select(i => new LiveSeries(LabelSet.Of(("number", $"{i:D6}")), () => i)));
        var page = Pages.Assembled(ExpositionFormat.OpenMetrics, gzip: true, [large, Rendered.Empty, small], [live]);

        var (exitCode, output, error) = await Peer.Run("zcat", [], page, cancellation);

        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.Equal(Pages.Assembled(ExpositionFormat.OpenMetrics, gzip: false, [large, Rendered.Empty, small], [live]), output);
        Assert.Equal(3, OpenMetricsReader.Read(Encoding.UTF8.GetString(output)).Count(family => family.Name is "weather_a_celsius" or "account_up" or "live_seconds"));
    }

    [Fact]
    public void A_page_with_nothing_on_it_is_still_a_page()
    {
        Assert.Empty(Pages.Assembled(ExpositionFormat.Text, gzip: false, [], []));
        Assert.Empty(Pages.Gunzip(Pages.Assembled(ExpositionFormat.Text, gzip: true, [], [])));
        Assert.Equal("# EOF\n", Encoding.UTF8.GetString(Pages.Gunzip(Pages.Assembled(ExpositionFormat.OpenMetrics, gzip: true, [Rendered.Empty], []))));
    }

    [Fact]
    public void A_block_ends_in_a_sync_flush() =>
        Assert.Equal([0, 0, 0xff, 0xff], new Rendered(Pages.Large()).Compressed(ExpositionFormat.Text).Stream[^4..]);

    [Fact]
    public void A_live_value_is_read_at_the_scrape_and_disappears_when_there_is_none()
    {
        double? value = 1;
        var live = LiveFamily.Gauge("live", "Now.", () => value);

        Assert.EndsWith("live 1\n", Page());
        value = 2.5;
        Assert.EndsWith("live 2.5\n", Page());
        value = null;
        Assert.Empty(Page());

        string Page() => Encoding.UTF8.GetString(Pages.Assembled(ExpositionFormat.Text, gzip: false, [], [live]));
    }

    [Fact]
    public void What_many_threads_ask_for_at_once_is_encoded_once()
    {
        const int Threads = 8;
        var rendered = new Rendered(Pages.Large());
        var allocated = new ConcurrentBag<long>();
        var arrays = new ConcurrentBag<(byte[] Bytes, Deflated Compressed)>();
        using var start = new Barrier(Threads);
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            start.SignalAndWait();
            var before = GC.GetAllocatedBytesForCurrentThread();
            arrays.Add((rendered.Bytes(ExpositionFormat.Text), rendered.Compressed(ExpositionFormat.Text)));
            allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        var (bytes, compressed) = Assert.Single(arrays.Distinct());
        Assert.NotEmpty(compressed.Stream);
        Assert.Single(allocated, by => by >= bytes.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_warm_page_of_nine_thousand_series_allocates_next_to_nothing(bool gzip)
    {
        Rendered[] blocks = [new(Pages.Large()), new([MetricFamily.Gauge("account_up", "Whether.", 1)])];
        LiveFamily[] live = [.. Enumerable.Range(0, 40).Select(i => LiveFamily.Gauge($"live_{i}_seconds", "Now.", () => 1.5 + i))];
        var output = new ArrayBufferWriter<byte>(2_000_000);
        foreach (var format in Pages.Formats)
        {
            Once(format);
            Once(format);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Once(format);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.True(output.WrittenCount > 10_000);
            Assert.InRange(allocated, 0, 2048);
        }

        void Once(ExpositionFormat format)
        {
            output.ResetWrittenCount();
            Page.Write(output, format, gzip, blocks, live);
        }
    }

    [Fact]
    public void Checksums_go_on_and_combine()
    {
        var random = new Random(3);
        Assert.Equal(0xCBF43926, Crc32.Append(0, "123456789"u8));
        foreach (var length in Enumerable.Range(0, 70).Append(70_000))
        {
            var text = new byte[length];
            random.NextBytes(text);
            var cut = random.Next(length + 1);
            var whole = Crc32.Append(0, text);

            Assert.Equal(whole, Crc32.Append(Crc32.Append(0, text.AsSpan(0, cut)), text.AsSpan(cut)));
            Assert.Equal(whole, Crc32.Combine(Crc32.Append(0, text.AsSpan(0, cut)), Crc32.Append(0, text.AsSpan(cut)), Crc32.Shift(length - cut)));
        }
    }

    // GZipStream reads members in a row as one text, so the end of the first is found with the stream that stops there.
    private static int Members(byte[] gzip)
    {
        var source = new MemoryStream(gzip[10..]);
        using var deflate = new DeflateStream(source, CompressionMode.Decompress);
        var length = 0;
        while (deflate.ReadByte() >= 0)
        {
            length++;
        }
        return BitConverter.ToUInt32(gzip, gzip.Length - 4) == length ? 1 : 2;
    }
}
