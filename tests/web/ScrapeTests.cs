using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The metrics page over HTTP: what is on it beside the accounts, and what a scrape costs.</summary>
[Collection(nameof(Alone))]
public sealed class ScrapeTests
{
    private const int Scrapes = 10_000;

    [Fact]
    public async Task Requests_are_counted_by_class_of_status_this_one_is_in_flight()
    {
        await using var bench = await WebBench.StartAsync();

        var page = (await bench.Get("/metrics")).Body;
        Assert.All(["1xx", "2xx", "3xx", "4xx", "5xx"], name => Assert.Contains($"exporter_http_requests_total{{class=\"{name}\"}} 0\n", page, StringComparison.Ordinal));
        Assert.Contains("exporter_http_requests_in_flight 1\n", page, StringComparison.Ordinal);

        await bench.Get("/nothing");
        bench.Clock.Advance(TimeSpan.FromMilliseconds(10));
        page = (await bench.Get("/metrics")).Body;
        Assert.Contains("exporter_http_requests_total{class=\"2xx\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("exporter_http_requests_total{class=\"4xx\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("exporter_http_requests_in_flight 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_whole_page_is_valid_in_both_formats_and_has_none_of_the_librarys_own_series()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        foreach (var (format, accept) in new[] { (ExpositionFormat.PrometheusText, "text/plain"), (ExpositionFormat.OpenMetricsText, "application/openmetrics-text") })
        {
            var page = await bench.Get("/metrics", ("Accept", accept));
            var names = (await PrometheusClient.ReadAsync(format, page.Body)).Select(family => family.Name).ToList();

            Assert.StartsWith(accept, page.Header("Content-Type"), StringComparison.Ordinal);
            Assert.Contains("netatmo_sensor_temperature_celsius", names);
            Assert.Equal(
                ["exporter_build_info", "process_cpu_seconds", "process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds", "process_virtual_memory_bytes"],
                names.Where(name => name is "exporter_build_info" || !(name.StartsWith("exporter_", StringComparison.Ordinal) || name.StartsWith("netatmo_", StringComparison.Ordinal))).Order());
        }
    }

    [Theory]
    [InlineData("small", "")]
    [InlineData("small", "Accept-Encoding: gzip\r\n")]
    [InlineData("large", "Accept-Encoding: gzip\r\n")]
    public async Task Scrapes_allocate_next_to_nothing(string stations, string header)
    {
        await using var bench = await WebBench.StartAsync(provider: new NetatmoProviderOptions { Stations = NetatmoSample.Named(stations) }, loggedIn: true, log: LogLevel.Information);
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);
        using var client = new Client(bench.Address, header);
        Measure(1000);

        // At 5,000 scrapes per second, they share what time alone changes; after a pause it is encoded again.
        Assert.InRange(Measure(Scrapes) / Scrapes, 0, 4096);
        for (var round = 0; round < 5; round++)
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(20));
            Assert.InRange(Measure(1), 0, 68 * 1024);
        }

        long Measure(int scrapes)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < scrapes; i++)
            {
                bench.Clock.Advance(TimeSpan.FromMicroseconds(200));
                client.Scrape();
            }
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
    }

    /// <summary>One connection that is asked again and again. Allocates nothing.</summary>
    private sealed class Client : IDisposable
    {
        private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        private readonly byte[] request;
        private readonly byte[] answer = new byte[1 << 20];

        public Client(Uri server, string header)
        {
            socket.Connect(IPEndPoint.Parse(server.Authority));
            request = Encoding.ASCII.GetBytes($"GET /metrics HTTP/1.1\r\nHost: {server.Authority}\r\n{header}\r\n");
        }

        public void Scrape()
        {
            socket.Send(request);
            var (received, head) = (0, -1);
            while ((head = answer.AsSpan(0, received).IndexOf("\r\n\r\n"u8)) < 0)
            {
                received += socket.Receive(answer.AsSpan(received));
            }
            var text = answer.AsSpan(0, head);
            Assert.True(text.StartsWith("HTTP/1.1 200"u8));
            Assert.True(Utf8Parser.TryParse(text[(text.IndexOf("Content-Length: "u8) + 16)..], out int left, out _));
            for (left += head + 4 - received; left > 0;)
            {
                left -= socket.Receive(answer);
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
