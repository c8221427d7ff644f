using System.Net.Sockets;
using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>What a service manager is told, on a socket as systemd makes it.</summary>
public sealed class SystemdTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Ready_and_stopping_are_said()
    {
        var systemd = Listen(watchdog: null);

        systemd.Ready();
        systemd.Stopping();

        Assert.Equal(("READY=1", "STOPPING=1"), (Heard(), Heard()));
    }

    [Fact]
    public async Task A_watchdog_is_answered_twice_in_its_time_while_the_work_goes_on()
    {
        var systemd = Listen(watchdog: "30000000");
        using var stop = new CancellationTokenSource();
        var proofs = 0;

        var running = systemd.RunAsync(() => ++proofs > 0, stop.Token);
        Assert.Equal("WATCHDOG=1", Heard());
        await time.AdvanceUntilAsync(() => proofs == 3, TimeSpan.FromSeconds(31));
        Assert.Equal(("WATCHDOG=1", "WATCHDOG=1"), (Heard(), Heard()));
        await stop.CancelAsync();
        await running.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Outside_of_such_a_unit_and_with_nobody_listening_nothing_happens()
    {
        await Systemd.Of(new Dictionary<string, string>(), time).RunAsync(() => throw new InvalidOperationException("nobody watches"), Cancellation);
        Systemd.Of(new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["nobody"] }, time).Ready();
    }

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    private Systemd Listen(string? watchdog)
    {
        manager.Bind(new UnixDomainSocketEndPoint(directory["notify"]));
        manager.ReceiveTimeout = 10_000;
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["notify"] };
        if (watchdog is not null)
        {
            environment["WATCHDOG_USEC"] = watchdog;
        }
        return Systemd.Of(environment, time);
    }

    private string Heard()
    {
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }
}
