using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>
/// <c>serve</c>, the default command: renews tokens, reads sources and serves metrics until shutdown. SIGHUP reloads the configuration.
/// </summary>
internal static class ServeCommand
{
    public static void AddTo(CommandLine program)
    {
        program.SetDefault(RunAsync, "oauth-exporter --config exporter.yml", "oauth-exporter login home --config exporter.yml");
        program.Add(
            new Command("serve", "Renews the tokens, reads the sources and serves metrics."),
            new(CommandGroup.Exporter,
                [
                    "oauth-exporter --config exporter.yml",
                    "oauth-exporter serve --config exporter.yml --external-url http://nas:9210",
                    "oauth-exporter --client-id ID --client-secret-file FILE --token-file FILE",
                ],
                [
                    .. program.EssentialSettings, WebOptions.AddressSetting, WebOptions.ExternalUrlSetting, WebOptions.ConfigFileSetting,
                    LogfmtLogger.LevelSetting,
                ])
            {
                IgnoresSurplusArguments = true,
            },
            RunAsync,
            StoreAccess.Service);

        Task<int> RunAsync(CommandContext context, ParseResult result, CancellationToken cancellationToken)
        {
            var systemd = SystemdNotifier.FromEnvironment(program.Environment, program.Time);
            return ServeCommand.RunAsync(context, systemd, logging => Build(context, () => program.ReadSilently(result), systemd, logging),
                services => services.GetRequiredService<HostedAccounts>().AllSaved, cancellationToken);
        }
    }

    /// <summary>Runs a host until shutdown.</summary>
    /// <param name="build">Builds the host.</param>
    /// <param name="isAllSaved">Whether no token was lost at the shutdown.</param>
    public static async Task<int> RunAsync(CommandContext context, SystemdNotifier systemd, Func<ILoggerFactory, WebApplication> build,
        Func<IServiceProvider, bool> isAllSaved, CancellationToken cancellationToken)
    {
        var options = context.Options;
        using var logging = LogfmtLogger.CreateFactory(
            options.LogLevel, context.Terminal.Error, context.Terminal.ShowsErrors ? context.Time : null);
        var logger = logging.CreateLogger(nameof(ServeCommand));
        try
        {
            ListenProbe.Run(options.Web);
        }
        catch (SocketException e)
        {
            return CannotListen(e);
        }
        await using var app = build(logging);
        logger.LogInformation("{Program} {Version} ({Commit})", CommandLine.ProgramName, BuildInfo.Current.Version, BuildInfo.Current.Commit);
        foreach (var warning in options.Warnings)
        {
            logger.LogWarning("{Warning}", warning);
        }
        var reload = app.Services.GetService<ConfigurationReload>();
        // The reload logs its result.
        using var hangup = ShutdownSignals.OnHangup(() => _ = reload?.ReloadAsync(CancellationToken.None));
        try
        {
            await app.StartAsync(cancellationToken);
            logger.LogInformation("listening on {Addresses}", string.Join(", ", app.Urls));
            systemd.Ready();
            // What the configuration left behind is garbage now: 10 MB with 10,000 accounts, half a MB with one.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return CannotListen(e);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Some services may have started already, so it shuts down as usual.
        }
        await app.WaitForShutdownAsync(cancellationToken);
        return isAllSaved(app.Services) ? ExitCode.Done : ExitCode.Failed;

        int CannotListen(Exception e)
        {
            logger.LogCritical(
                "cannot listen on {Address}: {Reason}; choose another address with --addr, for example --addr :9211",
                string.Join(", ", options.Web.Listen), NetworkFailure.Describe(e));
            return ExitCode.Failed;
        }
    }

    private static NewConfiguration ReadNew(ProgramOptions started, ProgramOptions next)
    {
        var changed = next.Configuration.ChangedProgramKeys(started.Configuration).Select(key => key == StateDirectory.Setting.Key
            ? $"{key} changed; accounts use it now; restart to apply it to one-time links"
            : $"{key} changed; restart to apply it");
        return new NewConfiguration(
            next.Accounts, [.. next.Configuration.Problems.Select(problem => problem.ToString())], [.. next.Warnings, .. changed]);
    }

    private static WebApplication Build(
        CommandContext context, Func<ProgramOptions> readAgain, SystemdNotifier systemd, ILoggerFactory logging)
    {
        var builder = WebServer.CreateBuilder(context.Options.Web);
        builder.Services.AddExporter(context.Time, logging, context.Options.Accounts);
        builder.Services.AddReload(context.Options.Accounts, () => ReadNew(context.Options, readAgain()));
        builder.Services.AddSingleton(systemd).AddHostedService<Watchdog>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        var app = builder.Build();
        app.MapExporter();
        return app;
    }
}
