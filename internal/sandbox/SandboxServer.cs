using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Sandbox;

public sealed record SandboxOptions
{
    /// <summary>Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The providers' clock, which their Date headers show too.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gets a line for each request, without any secret in it; called from many threads.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Options other than the default ones, at most one for each stand-in.</summary>
    public IReadOnlyList<ProviderOptions> Providers { get; init; } = [];
}

/// <summary>Stand-ins for the providers behind one address, alive until disposed of.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly WebApplication application;
    private readonly IProvider[] providers;
    private readonly TimeProvider time;

    private SandboxServer(SandboxOptions options)
    {
        time = options.Time;
        var surroundings = new Surroundings(options.Time, options.Log, stopping.Token);
        ProviderOptions Chosen(ProviderOptions standard) => options.Providers.SingleOrDefault(given => given.GetType() == standard.GetType()) ?? standard;
        providers = [.. ProviderOptions.All.Select(standard => Chosen(standard).Open(surroundings))];

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
        foreach (var provider in providers)
        {
            provider.Map(application);
        }
        application.MapControl(providers);
    }

    /// <summary>The base of every provider: <c>http://127.0.0.1:PORT</c>.</summary>
    public Uri Address { get; private set; } = new("about:blank");

    /// <summary>The stand-in of this class.</summary>
    public T Get<T>() => providers.OfType<T>().Single();

    /// <summary>What the sandbox's command prints, a line each.</summary>
    public async Task<IReadOnlyList<string>> IntroduceAsync(CancellationToken cancellationToken)
    {
        var lines = new List<string> { $"Address:        {Address.OriginalString}" };
        foreach (var provider in providers)
        {
            lines.AddRange(await provider.IntroduceAsync(Address, cancellationToken));
        }
        return lines;
    }

    /// <summary>What happens at the providers by itself, until it is canceled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(providers.Select(provider => provider.RunAsync(cancellationToken)));
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <exception cref="IOException">The address is taken.</exception>
    public static async Task<SandboxServer> StartAsync(SandboxOptions options, CancellationToken cancellationToken)
    {
        var sandbox = new SandboxServer(options);
        try
        {
            foreach (var provider in sandbox.providers)
            {
                await provider.StartAsync(cancellationToken);
            }
            await sandbox.application.StartAsync(cancellationToken);
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
        foreach (var provider in providers)
        {
            await provider.DisposeAsync();
        }
        await application.DisposeAsync();
        stopping.Dispose();
    }
}
