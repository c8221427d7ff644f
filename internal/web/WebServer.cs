using Exporter.Accounts;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace Exporter.Web;

/// <summary>All that the exporter answers over HTTP. Works with accounts, and names no source.</summary>
public static class WebServer
{
    /// <summary>
    /// A host that listens where the options say. It reads no settings file, no variable and no command line of its own: the
    /// exporter's configuration is the only one. Add the accounts to its services, build it, and call <see cref="MapExporter"/>.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(WebOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Services.AddExporterWeb(options);
        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = HostedAccounts.LongestStop;
            host.ServicesStartConcurrently = host.ServicesStopConcurrently = true;
            // BackgroundHealth records it, and the other services go on.
            host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        return builder;
    }

    private static void AddExporterWeb(this IServiceCollection services, WebOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddRoutingCore();
        services.AddSingleton(options);
        if (options is { Config: { } initial, ConfigFile: { } file })
        {
            services.AddSingleton(provider => new LiveWebConfig(file, initial, provider.GetRequiredService<ILogger<LiveWebConfig>>()));
            services.AddSingleton<WebConfigMiddleware>();
        }
        services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, provider) =>
            Listeners.Configure(kestrel, options, provider.GetService<LiveWebConfig>(), provider.GetRequiredService<ILoggerFactory>().CreateLogger("web")));
        services.AddHostedService<Drain>();
        services.AddSingleton<ExternalUrl>().AddSingleton<BrowserProtection>();
        AddForms(services);
        services.AddSingleton(provider => new ProcessMetrics(provider.GetRequiredService<MetricsCache>().Process, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<MetricsEndpoint>();
        services.AddSingleton<History>().AddHostedService(provider => provider.GetRequiredService<History>());
        services.AddSingleton<AccountsPage>().AddSingleton<LoginEndpoints>().AddSingleton<DeviceLogins>();
        services.AddSingleton<RedirectLogin>().AddSingleton<LoginCookies>();
    }

    private static void AddForms(IServiceCollection services)
    {
        // Without the hosted service that comes with antiforgery: it would write a key ring to disk, which nothing here uses.
        services.Add(new ServiceCollection().AddAntiforgery().Where(service => service.ServiceType != typeof(IHostedService)));
        services.Replace(ServiceDescriptor.Singleton<IDataProtectionProvider>(_ => new EphemeralDataProtectionProvider()));
        services.AddOptions<AntiforgeryOptions>().Configure<ExternalUrl>(Forms.Configure);
        services.AddSingleton<Forms>();
    }

    /// <summary>Adds the middleware and the endpoints, in the order in which a request meets them.</summary>
    public static void MapExporter(this WebApplication app)
    {
        var (services, options) = (app.Services, app.Services.GetRequiredService<WebOptions>());
        var browser = services.GetRequiredService<BrowserProtection>();
        app.UseHttpMetrics(ProcessCounts(services));
        app.Use(BrowserProtection.ExplainAsync);
        app.Use(BrowserProtection.GuardAsync);
        if (services.GetService<WebConfigMiddleware>() is { } gate)
        {
            app.Use(gate.PassAsync);
        }
        // A proxy may serve the exporter below a path, and may or may not remove that path from the request.
        app.UsePathBase(options.ExternalUrl.AbsolutePath.TrimEnd('/'));
        app.Use(browser.CheckHostAsync);
        if (options.Admin is not null)
        {
            app.Use(browser.CheckListenerAsync);
        }
        app.UseRouting();

        app.MapMethods(options.TelemetryPath, [HttpMethods.Get, HttpMethods.Head], services.GetRequiredService<MetricsEndpoint>().WriteAsync);
        app.MapHealth();
        app.MapVersion(BuildInfo.Current);
        app.MapAssets();
        services.GetRequiredService<AccountsPage>().Map(app);
        services.GetRequiredService<LoginEndpoints>().Map(app);
        if (options.DebugHandlers)
        {
            app.MapDebug(services.GetRequiredService<IReadOnlyList<Account>>());
        }
    }

    /// <summary>Where the process counts itself. The library's default registry stays empty.</summary>
    private static MetricFactory ProcessCounts(IServiceProvider services)
    {
        Prometheus.Metrics.SuppressDefaultMetrics();
        var counts = Prometheus.Metrics.WithCustomRegistry(services.GetRequiredService<MetricsCache>().Process);
        counts.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        BuildInfo.Current.Publish(counts);
        // It sets its values whenever the registry is collected.
        services.GetRequiredService<ProcessMetrics>();
        return counts;
    }
}
