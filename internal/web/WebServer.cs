using Exporter.Sources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>All that the exporter answers over HTTP. Knows accounts, and no source by name.</summary>
public static class WebServer
{
    private static readonly TimeSpan SlowestHeaders = TimeSpan.FromSeconds(15);

    /// <summary>The application, not yet listening. <c>serve</c>, the demo and the tests build it by this one function.</summary>
    public static WebApplication Build(WebOptions options, IReadOnlyList<Account> accounts, Exposition exposition, TimeProvider time, ILoggerFactory logging)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options.Listen));
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton(logging));
        var process = new ProcessMetrics();
        builder.Services.AddSingleton(_ => process);

        var app = builder.Build();
        var http = new HttpMetrics();
        var metrics = new MetricsEndpoint(exposition, [BuildInfo.Current.ToFamily()], [.. process.Families, .. http.Families]);

        app.Use(http.CountAsync);
        app.MapMethods(options.TelemetryPath, [HttpMethods.Get, HttpMethods.Head], metrics.WriteAsync);
        app.MapHealth();
        app.MapVersion(BuildInfo.Current);
        app.MapStatus(accounts, options.TelemetryPath, BuildInfo.Current, time);
        if (options.DebugHandlers)
        {
            app.MapDebug(accounts);
        }
        return app;
    }

    private static void Configure(KestrelServerOptions kestrel, ListenAddress listen)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        kestrel.Limits.RequestHeadersTimeout = SlowestHeaders;
        switch (listen)
        {
            case { IsAny: true }:
                kestrel.ListenAnyIP(listen.Port);
                break;
            case { Ip: { } ip }:
                kestrel.Listen(ip, listen.Port);
                break;
            case { Host: "localhost" }:
                kestrel.ListenLocalhost(listen.Port);
                break;
            default:
                kestrel.Listen(System.Net.Dns.GetHostAddresses(listen.Host)[0], listen.Port);
                break;
        }
    }
}
