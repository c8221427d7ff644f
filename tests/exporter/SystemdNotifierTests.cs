using System.Net.Sockets;
using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>Receives the notifications on a socket like the one of systemd.</summary>
public sealed class SystemdNotifierTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_sends_ready_and_stopping()
    {
        var systemd = Listen(watchdog: null);

        systemd.Ready();
        systemd.Stopping();

        Assert.Equal(("READY=1", "STOPPING=1"), (Receive(), Receive()));
    }

    [Fact]
    public async Task It_pings_the_watchdog_twice_in_each_timeout_while_healthy()
    {
        var systemd = Listen(watchdog: "30000000");
        using var stop = new CancellationTokenSource();
        var checks = 0;

        var running = systemd.RunWatchdogAsync(() => ++checks > 0, stop.Token);
        Assert.Equal("WATCHDOG=1", Receive());
        await time.AdvanceUntilAsync(() => checks == 3, TimeSpan.FromSeconds(31));
        Assert.Equal(("WATCHDOG=1", "WATCHDOG=1"), (Receive(), Receive()));
        await stop.CancelAsync();
        await running.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Without_a_socket_or_a_listener_nothing_happens()
    {
        await SystemdNotifier.FromEnvironment(new Dictionary<string, string>(), time)
            .RunWatchdogAsync(() => throw new InvalidOperationException("no watchdog"), Cancellation);
        SystemdNotifier.FromEnvironment(new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["missing"] }, time).Ready();
    }

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    private SystemdNotifier Listen(string? watchdog)
    {
        manager.Bind(new UnixDomainSocketEndPoint(directory["notify"]));
        manager.ReceiveTimeout = 10_000;
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["notify"] };
        if (watchdog is not null)
        {
            environment["WATCHDOG_USEC"] = watchdog;
        }
        return SystemdNotifier.FromEnvironment(environment, time);
    }

    private string Receive()
    {
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }
}
