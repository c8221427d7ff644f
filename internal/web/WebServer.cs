using Exporter.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace Exporter.Web;

/// <summary>All that the exporter answers over HTTP. Knows accounts, and no source by name.</summary>
public static class WebServer
{
    /// <summary>The application, not yet listening. <c>serve</c>, the demo and the tests build it by this one function.</summary>
    public static WebApplication Build(WebOptions options, IReadOnlyList<Account> accounts, Exposition exposition, TimeProvider time, ILoggerFactory logging)
    {
        var logger = logging.CreateLogger("web");
        var config = options is { Config: { } initial, ConfigFile: { } file } ? new LiveWebConfig(file, initial, logger) : null;
        var process = new ProcessMetrics(exposition.Process, time);
        var history = new History(accounts, time, logger);

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Listeners.Configure(kestrel, options, config, logger));
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton(logging));
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, SignalsLeftAlone>());
        builder.Services.AddSingleton(_ => process);
        builder.Services.AddHostedService(_ => history);
        var app = builder.Build();

        var external = new ExternalUrl(options, app.Services.GetRequiredService<IServer>);
        var browser = new Browser(options, external);
        // Nothing is in the library's default registry, and nothing collects it.
        Prometheus.Metrics.SuppressDefaultMetrics();
        var counts = Prometheus.Metrics.WithCustomRegistry(exposition.Process);
        counts.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        BuildInfo.Current.Publish(counts);
        app.UseHttpMetrics(counts);
        app.Use(ExplainAsync);
        app.Use(Browser.GuardAsync);
        if (config is not null)
        {
            app.Use(new Gate(config, time).PassAsync);
        }
        // A proxy may put us below a path, and may or may not take it away again.
        app.UsePathBase(options.ExternalUrl.AbsolutePath.TrimEnd('/'));
        app.Use(browser.CheckHostAsync);
        if (options.Admin is not null)
        {
            app.Use((context, next) => context.Features.Get<Listeners.Admin>() is not null || browser.IsForPrograms(context.Request.Path) ? next(context) : NotFound(context));
        }
        app.UseRouting();

        var stopping = app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var antiForgery = new AntiForgery(external);
        var devices = new DeviceLogins(logger, stopping);
        app.MapMethods(options.TelemetryPath, [HttpMethods.Get, HttpMethods.Head], new MetricsEndpoint(exposition).WriteAsync);
        app.MapHealth();
        app.MapVersion(BuildInfo.Current);
        app.MapAssets();
        new AccountsPage(accounts, history, devices, antiForgery, options.TelemetryPath, time).Map(app);
        new LoginEndpoints(accounts, new RedirectLogin(accounts, new LoginCookies(external, time), external, time, logger, stopping), devices, antiForgery, external).Map(app);
        if (options.DebugHandlers)
        {
            app.MapDebug(accounts);
        }
        return app;
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    /// <summary>An answer that says no and nothing else gets its status as a line of text.</summary>
    private static async Task ExplainAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response is { StatusCode: >= 400, HasStarted: false, ContentLength: null, ContentType: null })
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync($"{context.Response.StatusCode} {ReasonPhrases.GetReasonPhrase(context.Response.StatusCode)}\n", context.RequestAborted);
        }
    }
}
