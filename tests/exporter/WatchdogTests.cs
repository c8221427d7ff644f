using System.Net.Sockets;
using System.Text;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>What becomes of the host, and of what systemd hears, when one of its services fails.</summary>
public sealed class WatchdogTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog logs = new();
    private readonly ManualTime time = new();
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_that_fails_is_logged_and_ends_the_signs_of_life_and_not_the_host()
    {
        manager.Bind(new UnixDomainSocketEndPoint(directory["notify"]));
        manager.ReceiveTimeout = 10_000;
        var (failing, other) = (new Work(), new Work());
        using var host = Host(failing, other);
        await host.StartAsync(Cancellation);
        Assert.Equal("WATCHDOG=1", Heard());

        failing.Fail(new InvalidOperationException("a mistake"));
        var health = host.Services.GetRequiredService<BackgroundHealth>();
        while (health.IsHealthy)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        var watchdog = host.Services.GetServices<IHostedService>().OfType<Watchdog>().Single().ExecuteTask!;
        while (!watchdog.IsCompleted)
        {
            Cancellation.ThrowIfCancellationRequested();
            // Again and again, because the watchdog may have sent its sign and not begun to wait for the next.
            time.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.False(other.ExecuteTask!.IsCompleted);
        Assert.False(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.Single(logs.At(LogLevel.Critical), line => line.Contains("failed because of a bug", StringComparison.Ordinal));
        await host.StopAsync(Cancellation);
        Assert.Equal("STOPPING=1", Heard());
    }

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    private IHost Host(Work failing, Work other)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        var systemd = Systemd.Of(new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["notify"], ["WATCHDOG_USEC"] = "30000000" }, time);
        builder.Services.AddSingleton(systemd).AddSingleton<BackgroundHealth>().AddSingleton<IHostedService>(failing).AddSingleton<IHostedService>(other).AddHostedService<Watchdog>();
        builder.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(logs)).Replace(ServiceDescriptor.Singleton<IHostLifetime, EndSignals.Lifetime>());
        builder.Services.Configure<HostOptions>(o => o.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);
        return builder.Build();
    }

    private string Heard()
    {
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }

    /// <summary>Runs until it is told to fail, or the host stops.</summary>
    private sealed class Work : BackgroundService
    {
        private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail(Exception exception) => over.SetException(exception);

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => over.Task.WaitAsync(stoppingToken);
    }
}
