using System.Net.Sockets;
using Exporter.Accounts;
using Exporter.Web;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>The command without a name: renews the tokens, reads the sources and answers scrapes until it is asked to stop.</summary>
internal sealed class Serve(Startup startup, Systemd systemd, TimeProvider time, ILoggerFactory logging)
{
    private readonly ILogger logger = logging.CreateLogger<Serve>();

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var app = Build();
        logger.LogInformation("exporter {Version} ({Commit})", BuildInfo.Current.Version, BuildInfo.Current.Commit);
        foreach (var warning in startup.Warnings)
        {
            logger.LogWarning("{Warning}", warning);
        }
        try
        {
            await app.StartAsync(cancellationToken);
            logger.LogInformation("listening on {Addresses}", string.Join(", ", app.Urls));
            systemd.Ready();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            logger.LogCritical("cannot listen on {Address}: {Reason}; choose another address with --addr", string.Join(", ", startup.Web.Listen), e.GetBaseException().Message);
            return ExitCode.Failed;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // It stops like one that has started, because some services may have.
        }
        await app.WaitForShutdownAsync(cancellationToken);
        return app.Services.GetRequiredService<HostedAccounts>().AllSaved ? ExitCode.Done : ExitCode.Failed;
    }

    private WebApplication Build()
    {
        var builder = WebServer.CreateBuilder(startup.Web);
        builder.Services.AddExporter(time, logging, startup.Accounts);
        builder.Services.AddSingleton(systemd).AddHostedService<Watchdog>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, EndSignals.Lifetime>());
        var app = builder.Build();
        app.MapExporter();
        return app;
    }
}
