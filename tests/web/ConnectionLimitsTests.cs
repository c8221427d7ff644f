using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Web;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Connections that an attacker opens to use up the file descriptors.</summary>
public sealed class ConnectionLimitsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task At_the_limit_of_an_address_a_new_connection_closes_the_oldest_idle_one()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "3")]);
        using var first = await ConnectAsync(bench);
        using var second = await ConnectAsync(bench);
        using var third = await ConnectAsync(bench);

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/healthy")).Status);

        Assert.True(await IsClosedAsync(first));
        Assert.False(IsClosedNow(second));
        Assert.False(IsClosedNow(third));
        Assert.Single(bench.Log.Split('\n'), line => line.Contains("too many connections", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Hundreds_of_idle_connections_are_one_log_line_a_minute_and_never_stop_a_scrape()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "10")]);
        var idle = new List<TcpClient>();
        for (var i = 0; i < 300; i++)
        {
            idle.Add(await ConnectAsync(bench));
            if (i % 50 == 0)
            {
                // A new connection. Prometheus repeats a request on a connection that the server has closed, but this client does not.
                Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", ("Connection", "close"))).Status);
            }
        }

        Assert.Single(bench.Log.Split('\n'), line => line.Contains("too many connections", StringComparison.Ordinal));
        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_connection_with_a_request_in_progress_is_not_closed_for_a_new_one()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "2")]);
        using var busy = await ConnectAsync(bench);
        var request = "POST /auth/settoken HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na";
        await busy.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        await bench.UntilAsync(() => bench.Log.Contains("POST", StringComparison.Ordinal));
        using var idle = await ConnectAsync(bench);

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/healthy")).Status);

        Assert.True(await IsClosedAsync(idle));
        Assert.False(IsClosedNow(busy));
    }

    [Fact]
    public async Task A_connection_without_a_request_ends_after_fifteen_seconds_and_one_with_a_request_stays()
    {
        await using var bench = await WebBench.StartAsync();
        using var silent = await ConnectAsync(bench);
        using var polite = await ConnectAsync(bench);
        await polite.GetStream().WriteAsync("GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
        Assert.NotEqual(0, await polite.GetStream().ReadAsync(new byte[1024], Cancellation));

        bench.Clock.Advance(TimeSpan.FromSeconds(16));

        Assert.True(await IsClosedAsync(silent));
        await polite.GetStream().WriteAsync("GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
        Assert.NotEqual(0, await polite.GetStream().ReadAsync(new byte[1024], Cancellation));
    }

    [Fact]
    public async Task The_limit_leaves_descriptors_for_everything_else()
    {
        await using var bench = await WebBench.StartAsync();

        Assert.InRange(bench.App.Services.GetRequiredService<ConnectionLimits>().Max, 64, 1000);
    }

    private static async Task<TcpClient> ConnectAsync(WebBench bench)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, bench.Address.Port, Cancellation);
        return client;
    }

    private static async Task<bool> IsClosedAsync(TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[1], Cancellation) == 0;
        }
        catch (IOException)
        {
            // A reset.
            return true;
        }
    }

    private static bool IsClosedNow(TcpClient client) => client.Client.Poll(0, SelectMode.SelectRead);
}
