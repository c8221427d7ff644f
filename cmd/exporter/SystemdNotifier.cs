using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Exporter;

/// <summary>Sends state changes and watchdog pings to systemd, as a unit of <c>Type=notify</c> must. See sd_notify(3).</summary>
/// <param name="address">NOTIFY_SOCKET: a path, or an abstract name after an @. Null outside of such a unit: nothing is sent.</param>
/// <param name="watchdogTimeout">WATCHDOG_USEC: how long systemd waits for a ping. Null without a watchdog.</param>
internal sealed class SystemdNotifier(string? address, TimeSpan? watchdogTimeout, TimeProvider time)
{
    public static SystemdNotifier FromEnvironment(IReadOnlyDictionary<string, string> environment, TimeProvider time) => new(
        environment.GetValueOrDefault("NOTIFY_SOCKET") is { Length: > 0 } socket ? socket : null,
        long.TryParse(environment.GetValueOrDefault("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds) : null,
        time);

    public void Ready() => Send("READY=1");

    public void Stopping() => Send("STOPPING=1");

    /// <summary>Pings the watchdog twice in each timeout until <paramref name="isHealthy"/> returns false.</summary>
    public async Task RunWatchdogAsync(Func<bool> isHealthy, CancellationToken cancellationToken)
    {
        if (address is null || watchdogTimeout is not { } timeout)
        {
            return;
        }
        while (!cancellationToken.IsCancellationRequested && isHealthy())
        {
            Send("WATCHDOG=1");
            await Task.Delay(timeout / 2, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
            // The program runs without a service manager too.
        }
    }
}
