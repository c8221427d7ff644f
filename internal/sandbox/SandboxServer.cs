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
    /// <summary>Port 0 uses a free port.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The providers' clock, also for their Date headers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Called with a line for each request, without secrets, from many threads.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Options that replace the defaults, at most one per stand-in.</summary>
    public IReadOnlyList<ProviderOptions> Providers { get; init; } = [];
}

/// <summary>Stand-ins for the providers at one address, until disposed of.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly WebApplication application;
    private readonly IProvider[] providers;
    private readonly TimeProvider time;

    private SandboxServer(SandboxOptions options)
    {
        time = options.Time;
        var shared = new SandboxContext(options.Time, options.Log, stopping.Token);
        providers = [.. ProviderOptions.All.Select(standard =>
            (options.Providers.SingleOrDefault(custom => custom.GetType() == standard.GetType()) ?? standard).Open(shared))];

        // Empty, so that environment variables and appsettings.json cannot change a test.
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
            // Kestrel sends the system time; clients must receive the sandbox's time.
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

    /// <summary>The output of the sandbox's command, in lines.</summary>
    public async Task<IReadOnlyList<string>> DescribeAsync(CancellationToken cancellationToken)
    {
        var lines = new List<string> { $"Address:        {Address.OriginalString}" };
        foreach (var provider in providers)
        {
            lines.AddRange(await provider.DescribeAsync(Address, cancellationToken));
        }
        return lines;
    }

    /// <summary>Simulates the providers' activity until it is canceled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(providers.Select(provider => provider.RunAsync(cancellationToken)));
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <exception cref="IOException">The address is in use.</exception>
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

    /// <summary>Closes hanging requests and shuts down. A second call does nothing.</summary>
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
