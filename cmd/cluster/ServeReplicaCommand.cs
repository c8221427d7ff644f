using Exporter.Postgres;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter.Cluster;

/// <summary><c>serve</c>, the default command: a replica of the exporter over the shared store, until shutdown.</summary>
internal static class ServeReplicaCommand
{
    /// <summary>Longer than a request for a token, so that what is in flight is saved. Kubernetes waits for 30 seconds.</summary>
    private static readonly TimeSpan LongestShutdown = TimeSpan.FromSeconds(28);

    public static void AddTo(CommandLine program)
    {
        program.SetDefault(
            RunAsync, "oauth-exporter-cluster check --config exporter.yml", "oauth-exporter-cluster --config exporter.yml");
        program.Add(
            new Command("serve", "Renews the tokens of the shared store, together with its other replicas, and serves metrics."),
            new(CommandGroup.Exporter,
                ["oauth-exporter-cluster --config exporter.yml"],
                [Configuration.ConfigFile, WebOptions.AddressSetting, WebOptions.ExternalUrlSetting, .. ClusterOptions.Settings])
            {
                IgnoresSurplusArguments = true,
            },
            RunAsync,
            StoreAccess.Service);

        Task<int> RunAsync(CommandContext context, ParseResult result, CancellationToken cancellationToken)
        {
            if (ClusterOptions.Read(context) is not { } options)
            {
                return Task.FromResult(ExitCode.Failed);
            }
            var systemd = SystemdNotifier.FromEnvironment(program.Environment, program.Time);
            return ServeCommand.RunAsync(
                context, systemd, logging => Build(context, options, systemd, logging), services => services.IsStoreSaved(), cancellationToken);
        }
    }

    private static WebApplication Build(CommandContext context, ClusterOptions options, SystemdNotifier systemd, ILoggerFactory logging)
    {
        var builder = WebServer.CreateBuilder(context.Options.Web);
        // The accounts of the configuration are templates. Those of the store are opened when a request needs one.
        builder.Services.AddExporter(context.Time, logging, []);
        builder.Services.AddSharedStore(options.Store, options.Keys, context.Options.Accounts);
        builder.Services.AddSharedAccounts(new SharedKey(options.Keys.Derive("web")), options.Api);
        builder.Services.AddSingleton(systemd).AddHostedService<Watchdog>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = LongestShutdown);
        var app = builder.Build();
        app.MapExporter();
        return app;
    }
}
