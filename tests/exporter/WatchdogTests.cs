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

/// <summary>The host and the watchdog pings when a background service fails.</summary>
public sealed class WatchdogTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog logs = new();
    private readonly ManualTime time = new();
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failed_service_is_logged_and_stops_the_pings_but_not_the_host()
    {
        manager.Bind(new UnixDomainSocketEndPoint(directory["notify"]));
        manager.ReceiveTimeout = 10_000;
        var (failing, other) = (new Work(), new Work());
        using var host = Host(failing, other);
        await host.StartAsync(Cancellation);
        Assert.Equal("WATCHDOG=1", Receive());

        failing.Fail(new InvalidOperationException("a mistake"));
        var health = host.Services.GetRequiredService<BackgroundHealth>();
        // The service is logged after the health changes.
        while (health.IsHealthy || logs.At(LogLevel.Critical).Count == 0)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        var watchdog = host.Services.GetServices<IHostedService>().OfType<Watchdog>().Single().ExecuteTask!;
        while (!watchdog.IsCompleted)
        {
            Cancellation.ThrowIfCancellationRequested();
            // Repeated, because the watchdog may have pinged but not started its delay yet.
            time.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.False(other.ExecuteTask!.IsCompleted);
        Assert.False(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.Single(logs.At(LogLevel.Critical), line => line.Contains("failed because of a bug", StringComparison.Ordinal));
        await host.StopAsync(Cancellation);
        Assert.Equal("STOPPING=1", Receive());
    }

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    private IHost Host(Work failing, Work other)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = directory["notify"], ["WATCHDOG_USEC"] = "30000000" };
        builder.Services.AddSingleton(SystemdNotifier.FromEnvironment(environment, time)).AddSingleton<BackgroundHealth>()
            .AddSingleton<IHostedService>(failing).AddSingleton<IHostedService>(other).AddHostedService<Watchdog>()
            .Replace(ServiceDescriptor.Singleton<ILoggerFactory>(logs))
            .Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        builder.Services.Configure<HostOptions>(o => o.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);
        return builder.Build();
    }

    private string Receive()
    {
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }

    /// <summary>Runs until <see cref="Fail"/>, or until the host stops.</summary>
    private sealed class Work : BackgroundService
    {
        private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail(Exception exception) => completion.SetException(exception);

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => completion.Task.WaitAsync(stoppingToken);
    }
}
