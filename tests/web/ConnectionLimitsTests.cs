using System.Net;
using System.Net.Sockets;
using System.Text;
using Exporter.Sandbox;
using Exporter.Web;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Connections that an attacker opens to use up the file descriptors.</summary>
public sealed class ConnectionLimitsTests
{
    private const string UnfinishedForm =
        "POST /auth/settoken HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na";

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
    public async Task A_connection_is_not_closed_for_a_new_one_while_the_program_works_on_its_request()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "2")]);
        var form = (await bench.Get("/auth/settoken")).Form("settoken").Append(("refresh_token", bench.Sandbox.Netatmo.Login().RefreshToken));
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Delay(0.1));
        var login = bench.Post("/auth/settoken", form.ToList());
        await bench.UntilAsync(() => bench.Sandbox.Netatmo.Token.Requests == 1);
        using var first = await ConnectAsync(bench);
        using var second = await ConnectAsync(bench);

        Assert.True(await IsClosedAsync(first));
        Assert.False(IsClosedNow(second));
        await bench.UntilAsync(() =>
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(100));
            return login.IsCompleted;
        });
        Assert.Equal(HttpStatusCode.SeeOther, (await login).Status);
    }

    [Fact]
    public async Task A_form_that_arrives_slowly_makes_room_for_a_new_connection_before_a_younger_one_does()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "2")]);
        using var slow = await SendAsync(bench, UnfinishedForm);
        await bench.UntilAsync(() => bench.Log.Contains("POST", StringComparison.Ordinal));
        using var idle = await ConnectAsync(bench);

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/healthy")).Status);

        Assert.True(await IsClosedAsync(slow));
        Assert.False(IsClosedNow(idle));
    }

    [Fact]
    public async Task Hundreds_of_slow_forms_never_stop_a_scrape_and_are_no_errors()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "10")]);
        var slow = new List<TcpClient>();
        for (var i = 0; i < 300; i++)
        {
            slow.Add(await SendAsync(bench, UnfinishedForm));
            if (i % 50 == 0)
            {
                Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", ("Connection", "close"))).Status);
            }
        }

        Assert.DoesNotContain("level=error", bench.Log, StringComparison.Ordinal);
        Assert.Single(bench.Log.Split('\n'), line => line.Contains("too many connections", StringComparison.Ordinal));
        slow.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_form_that_is_not_complete_after_five_seconds_ends()
    {
        await using var bench = await WebBench.StartAsync();
        using var slow = await SendAsync(bench, UnfinishedForm);
        await bench.UntilAsync(() => bench.Log.Contains("POST", StringComparison.Ordinal));

        var closed = IsClosedAsync(slow);
        await bench.Clock.AdvanceUntil(closed, TimeSpan.FromSeconds(1));

        Assert.True(await closed);
    }

    [Fact]
    public async Task A_client_that_does_not_read_makes_room_for_a_new_connection()
    {
        await using var bench = await WebBench.StartAsync([("--web.connections-per-address", "2")]);
        using var blocked = await SendAsync(bench, string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 20_000)));

        // Until the response no longer fits into the buffers, the program works on it, and the idle connection is closed.
        var isIdleClosed = true;
        while (isIdleClosed)
        {
            using var idle = await ConnectAsync(bench);
            try
            {
                Assert.Equal(HttpStatusCode.OK, (await bench.Get("/-/healthy", ("Connection", "close"))).Status);
                isIdleClosed = !await RespondsAsync(idle);
            }
            catch (HttpRequestException)
            {
                // The connection of the previous turn is still closing, so that none waits for its client.
            }
        }

        // Kestrel closes such a connection too, but later.
        Assert.DoesNotContain("minimum data rate", bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_without_a_request_ends_after_fifteen_seconds_and_one_with_a_request_stays()
    {
        await using var bench = await WebBench.StartAsync();
        using var silent = await ConnectAsync(bench);
        using var polite = await ConnectAsync(bench);
        Assert.True(await RespondsAsync(polite));

        bench.Clock.Advance(TimeSpan.FromSeconds(16));

        Assert.True(await IsClosedAsync(silent));
        Assert.True(await RespondsAsync(polite));
    }

    [Fact]
    public async Task The_limit_leaves_descriptors_for_everything_else()
    {
        await using var bench = await WebBench.StartAsync();

        Assert.InRange(bench.App.Services.GetRequiredService<ConnectionLimits>().Max, 64, 1000);
    }

    private static async Task<TcpClient> SendAsync(WebBench bench, string request)
    {
        var client = await ConnectAsync(bench);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        return client;
    }

    private static async Task<TcpClient> ConnectAsync(WebBench bench)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, bench.Address.Port, Cancellation);
        return client;
    }

    private static async Task<bool> RespondsAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
            return await client.GetStream().ReadAsync(new byte[1024], Cancellation) > 0;
        }
        catch (IOException)
        {
            // A reset.
            return false;
        }
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
