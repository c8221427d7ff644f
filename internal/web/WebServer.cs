using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Prometheus;

namespace Exporter.Web;

/// <summary>The web server: metrics, health, pages and login. Works with accounts and depends on no source.</summary>
public static class WebServer
{
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Creates a host that listens on the configured addresses. It reads no configuration file, variable or command line of its own.
    /// Add the accounts to its services, build it, and call <see cref="MapExporter"/>.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(WebOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        AddServices(builder.Services, options);
        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = HostedAccounts.LongestStop;
            host.ServicesStartConcurrently = host.ServicesStopConcurrently = true;
            // BackgroundHealth records the failure, and the other services continue.
            host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        return builder;
    }

    private static void AddServices(IServiceCollection services, WebOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddRoutingCore();
        services.AddSingleton(options);
        if (options is { Config: { } initial, ConfigFile: { } file })
        {
            services.AddSingleton(provider => new LiveWebConfig(file, initial, provider.GetRequiredService<ILogger<LiveWebConfig>>()));
            services.AddSingleton<WebConfigMiddleware>();
        }
        services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, provider) => Listeners.Configure(
            kestrel, options, provider.GetRequiredService<ConnectionLimits>(), provider.GetService<LiveWebConfig>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("web")));
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton<History>().AddHostedService(provider => provider.GetRequiredService<History>());
        services.AddSingleton<ExternalUrl>().AddSingleton<BrowserProtection>().AddSingleton<MetricsEndpoint>();
        services.AddSingleton<IAccountDirectory, ListedAccounts>().AddSingleton<IWebPart, AccountsPage>();
        services.AddSingleton<AccountCard>().AddSingleton<AccountNotices>().AddSingleton<PlotsPage>();
        services.AddSingleton<AccountRequests>().AddSingleton<LoginForms>().AddSingleton<ManageEndpoints>();
        services.AddSingleton<LoginEndpoints>().AddSingleton<RedirectLogin>().AddSingleton<LoginCookies>().AddSingleton<DeviceLogins>();
        services.AddSingleton<LoginAccess>().AddSingleton<LoginLinks>().AddSingleton<ILinkTickets, LinkTickets>().AddSingleton<LoginAttempts>();
        services.AddSingleton<LoginRepeats>().AddSingleton<NewLogins>();
        services.AddHostedService<LoginLinkLog>();
        // Also over HTTPS: the form token of a page differs in each response, so the size reveals nothing about it (BREACH).
        services.AddResponseCompression(compression =>
        {
            compression.EnableForHttps = true;
            compression.MimeTypes = ["text/html", "text/css", "text/javascript", "application/json"];
        });

        // Without antiforgery's hosted service: it would write a key ring to disk, which nothing here uses.
        services.Add(new ServiceCollection().AddAntiforgery().Where(service => service.ServiceType != typeof(IHostedService)));
        services.Replace(ServiceDescriptor.Singleton<IDataProtectionProvider>(provider =>
            provider.GetService<SharedKey>() is { } key ? new SharedDataProtection(key) : new EphemeralDataProtectionProvider()));
        services.AddOptions<AntiforgeryOptions>().Configure<ExternalUrl>(Forms.Configure);
        services.AddSingleton<Forms>();
    }

    /// <summary>Adds the middleware and the endpoints, in the order in which they handle a request.</summary>
    public static void MapExporter(this WebApplication app)
    {
        var (services, options) = (app.Services, app.Services.GetRequiredService<WebOptions>());
        var browser = services.GetRequiredService<BrowserProtection>();
        app.Lifetime.ApplicationStopping.Register(() => _ = DrainAsync(services));
        app.Use(services.GetRequiredService<ConnectionLimits>().HandleAsync);
        app.UseHttpMetrics(ProcessRegistry(services));
        // An error response without a body gets its status as a line of text.
        app.UseStatusCodePages(context =>
        {
            var response = context.HttpContext.Response;
            response.ContentType = "text/plain; charset=utf-8";
            var text = $"{response.StatusCode} {ReasonPhrases.GetReasonPhrase(response.StatusCode)}\n";
            return response.WriteAsync(text, context.HttpContext.RequestAborted);
        });
        app.Use(BrowserProtection.AddHeadersAsync);
        if (services.GetService<WebConfigMiddleware>() is { } webConfig)
        {
            app.Use(webConfig.InvokeAsync);
        }
        // A proxy may serve the exporter below a path, and may or may not remove that path from the request.
        app.UsePathBase(options.ExternalUrl.AbsolutePath.TrimEnd('/'));
        app.Use(browser.CheckHostAsync);
        if (options.Admin is not null)
        {
            app.Use(browser.CheckListenerAsync);
        }
        // Metrics are compressed once for all scrapes.
        app.UseWhen(context => !context.Request.Path.Equals(options.TelemetryPath), pages => pages.UseResponseCompression());
        var parts = services.GetServices<IWebPart>().ToList();
        parts.ForEach(part => part.Use(app));
        app.UseRouting();

        app.MapMethods(options.TelemetryPath, [HttpMethods.Get, HttpMethods.Head], services.GetRequiredService<MetricsEndpoint>().WriteAsync);
        app.MapHealth();
        if (services.GetService<ConfigurationReload>() is not null)
        {
            app.MapReload();
        }
        var accounts = services.GetRequiredService<IAccountDirectory>();
        app.MapStatus(accounts, BuildInfo.Current, services.GetRequiredService<TimeProvider>());
        app.MapVersion(BuildInfo.Current);
        app.MapAssets();
        parts.ForEach(part => part.Map(app));
        services.GetRequiredService<PlotsPage>().Map(app);
        app.MapHelp(options);
        services.GetRequiredService<LoginEndpoints>().Map(app);
        services.GetRequiredService<ManageEndpoints>().Map(app);
        if (options.DebugHandlers)
        {
            app.MapDebug(accounts);
        }
    }

    /// <summary>Gives open requests two seconds to finish. The host stops the server as well, but with a longer timeout, for saving tokens.</summary>
    private static async Task DrainAsync(IServiceProvider services)
    {
        using var timeout = new CancellationTokenSource(DrainTimeout, services.GetRequiredService<TimeProvider>());
        await services.GetRequiredService<IServer>().StopAsync(timeout.Token);
    }

    /// <summary>The registry for metrics of the process itself. The library's default registry stays empty.</summary>
    private static MetricFactory ProcessRegistry(IServiceProvider services)
    {
        Prometheus.Metrics.SuppressDefaultMetrics();
        var metrics = Prometheus.Metrics.WithCustomRegistry(services.GetRequiredService<MetricsCache>().Process);
        metrics.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        BuildInfo.Current.Publish(metrics);
        ProcessMetrics.Publish(services.GetRequiredService<MetricsCache>().Process, services.GetRequiredService<TimeProvider>());
        return metrics;
    }
}
