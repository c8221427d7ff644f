using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Exporter.Bench;

/// <summary>
/// Measures the time from the start of a program to its first status 200. It polls on a bare socket to add little time itself. The program
/// keeps running.
/// </summary>
internal static class FirstResponse
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    /// <returns>The process ID and the milliseconds.</returns>
    public static async Task<string> MillisecondsAsync(Uri page, string[] program)
    {
        var request = Encoding.ASCII.GetBytes($"GET {page.PathAndQuery} HTTP/1.1\r\nHost: {page.Authority}\r\nConnection: close\r\n\r\n");
        var started = TimeProvider.System.GetTimestamp();
        using var process = Process.Start(program[0], program[1..]);
        while (TimeProvider.System.GetElapsedTime(started) < Timeout)
        {
            if (await RespondsAsync(page, request))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{process.Id} {TimeProvider.System.GetElapsedTime(started).TotalMilliseconds:0}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
        process.Kill();
        throw new TimeoutException($"{program[0]} did not respond within {Timeout.TotalSeconds} s");
    }

    private static async Task<bool> RespondsAsync(Uri page, byte[] request)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(page.Host, page.Port);
            await client.GetStream().WriteAsync(request);
            var status = new byte[12];
            await client.GetStream().ReadExactlyAsync(status);
            return status.AsSpan().EndsWith("200"u8);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
