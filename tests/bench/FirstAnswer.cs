using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Exporter.Bench;

/// <summary>From the start of a program to its first 200: asks again and again on a bare socket, so that little of the time is ours. Leaves the program running, and names it.</summary>
internal static class FirstAnswer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<string> MillisecondsAsync(Uri page, string[] program)
    {
        var request = Encoding.ASCII.GetBytes($"GET {page.PathAndQuery} HTTP/1.1\r\nHost: {page.Authority}\r\nConnection: close\r\n\r\n");
        var started = TimeProvider.System.GetTimestamp();
        using var process = Process.Start(program[0], program[1..]);
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            if (await AnswersAsync(page, request))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{process.Id} {TimeProvider.System.GetElapsedTime(started).TotalMilliseconds:0}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
        process.Kill();
        throw new TimeoutException($"{program[0]} did not answer within {Patience.TotalSeconds} s");
    }

    private static async Task<bool> AnswersAsync(Uri page, byte[] request)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(page.Host, page.Port);
            await client.GetStream().WriteAsync(request);
            var answer = new byte[12];
            await client.GetStream().ReadExactlyAsync(answer);
            return answer.AsSpan().EndsWith("200"u8);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
