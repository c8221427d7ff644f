using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Sandbox;

public sealed record SandboxOptions
{
    /// <summary>Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The clouds' clock, which their Date headers show too.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gets a line for each request, without any secret in it; called from many threads.</summary>
    public Action<string>? Log { get; init; }

    public NetatmoCloudOptions Netatmo { get; init; } = new();

    public BmwCloudOptions Bmw { get; init; } = new();

    public ErganiCloudOptions Ergani { get; init; } = new();

    public WebexCloudOptions Webex { get; init; } = new();
}

/// <summary>One of the clouds.</summary>
internal interface ICloud
{
    string Name { get; }

    AuthorizationServer Authorization { get; }

    /// <summary>Every kind of login that the cloud knows, by a name for it; those of most are of one kind.</summary>
    IReadOnlyDictionary<string, AuthorizationServer> Levels => new Dictionary<string, AuthorizationServer> { ["login"] = Authorization };

    IReadOnlyList<CloudEndpoint> Endpoints { get; }

    void Map(IEndpointRouteBuilder routes);

    /// <summary>Makes a fresh login and answers as the cloud's token endpoint would.</summary>
    /// <param name="level">One of <see cref="Levels"/>; null is that of <see cref="Authorization"/>.</param>
    Answer Login(string? level, string? user, IReadOnlyList<string>? scope);
}

/// <summary>Stand-ins for the clouds behind one address, alive until disposed of.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly WebApplication application;

    private SandboxServer(SandboxOptions options)
    {
        var surroundings = new Surroundings(options.Time, options.Log, stopping.Token);
        Netatmo = new NetatmoCloud(options.Netatmo, surroundings);
        Bmw = new BmwCloud(options.Bmw, surroundings);
        Ergani = new ErganiCloud(options.Ergani, surroundings);
        Webex = new WebexCloud(options.Webex, surroundings);
        ICloud[] clouds = [Netatmo, Bmw, Ergani, Webex];

        // Empty: nothing of the surrounding process, no variable and no appsettings.json, changes what a test sees.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            kestrel.Listen(options.Listen);
        });
        builder.Services.AddRoutingCore();
        application = builder.Build();
        application.Use((context, next) =>
        {
            // Kestrel would send the machine's time: a client is to see the sandbox's, also where that is off.
            context.Response.OnStarting(() =>
            {
                context.Response.Headers.Date = options.Time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
                return Task.CompletedTask;
            });
            return next(context);
        });
        foreach (var cloud in clouds)
        {
            cloud.Map(application);
        }
        application.MapControl(clouds);
    }

    /// <summary>The base of every cloud: <c>http://127.0.0.1:PORT</c>.</summary>
    public Uri Address { get; private set; } = new("about:blank");

    public NetatmoCloud Netatmo { get; }

    public BmwCloud Bmw { get; }

    public ErganiCloud Ergani { get; }

    public WebexCloud Webex { get; }

    /// <exception cref="IOException">The address is taken.</exception>
    public static async Task<SandboxServer> StartAsync(SandboxOptions options, CancellationToken cancellation)
    {
        var sandbox = new SandboxServer(options);
        try
        {
            await sandbox.Bmw.ListenAsync();
            await sandbox.application.StartAsync(cancellation);
            var addresses = sandbox.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            sandbox.Address = new Uri(addresses.First());
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
    }

    /// <summary>Cuts what hangs and ends; a second time does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (stopping.IsCancellationRequested)
        {
            return;
        }
        await stopping.CancelAsync();
        if (Bmw.Broker is { } broker)
        {
            await broker.DisposeAsync();
        }
        await application.DisposeAsync();
        stopping.Dispose();
    }
}
