using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Exporter;

/// <summary>
/// What a unit of <c>Type=notify</c> waits for, by sd_notify(3): ready, alive, ending. Says nothing where nobody listens.
/// </summary>
/// <param name="address">NOTIFY_SOCKET: a path, or an abstract name behind an @; null outside such a unit.</param>
/// <param name="watchdog">WATCHDOG_USEC: how long silence is taken for life; null where nobody watches.</param>
internal sealed class Systemd(string? address, TimeSpan? watchdog, TimeProvider time)
{
    public static Systemd Of(IReadOnlyDictionary<string, string> environment, TimeProvider time) => new(
        environment.GetValueOrDefault("NOTIFY_SOCKET") is { Length: > 0 } socket ? socket : null,
        long.TryParse(environment.GetValueOrDefault("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds) : null,
        time);

    public void Ready() => Send("READY=1");

    public void Stopping() => Send("STOPPING=1");

    /// <summary>Says twice in each watchdog's time that we live, as long as that is true.</summary>
    /// <param name="lives">Whether the work that this program is for goes on.</param>
    public async Task RunAsync(Func<bool> lives, CancellationToken cancellationToken)
    {
        if (address is null || watchdog is not { } silence)
        {
            return;
        }
        while (!cancellationToken.IsCancellationRequested && lives())
        {
            Send("WATCHDOG=1");
            await Task.Delay(silence / 2, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Send(string state)
    {
        if (address is null)
        {
            return;
        }
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.ASCII.GetBytes(state), new UnixDomainSocketEndPoint(address[0] == '@' ? $"\0{address[1..]}" : address));
        }
        catch (SocketException)
        {
            // A service manager that does not listen is no reason to end.
        }
    }
}
