using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>Receives the redirect of one login on the loopback addresses (RFC 8252, section 7.3). It rejects every other request.</summary>
internal sealed class LoopbackListener : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly TaskCompletionSource<AuthorizationResponse> received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Secret? expectedState;

    private LoopbackListener(Uri redirect)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http1);
            // A free port can only be chosen on one address.
            if ((IPAddress.TryParse(redirect.DnsSafeHost, out var literal) ? literal : redirect.Port == 0 ? IPAddress.Loopback : null) is { } address)
            {
                kestrel.Listen(address, redirect.Port);
            }
            else
            {
                // A browser resolves "localhost" to IPv4 or IPv6. This listens on both, or on IPv4 only if the machine has no IPv6.
                kestrel.ListenLocalhost(redirect.Port);
            }
        });
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        app = builder.Build();
        app.Run(context => context.Request.Path == redirect.AbsolutePath && HttpMethods.IsGet(context.Request.Method)
            ? ReceiveAsync(context)
            : RespondAsync(context, 404, "This page does not exist."));
    }

    /// <summary>The redirect URI, with the actual port.</summary>
    public Uri Redirect { get; private set; } = new("about:blank");

    /// <summary>Whether a browser on this machine can reach the redirect URI over HTTP on a loopback address.</summary>
    public static bool CanServe(Uri redirect) => redirect.Scheme == Uri.UriSchemeHttp && redirect.IsLoopback;

    /// <summary>Starts a listener, or returns the error.</summary>
    public static async Task<Result<LoopbackListener, string>> StartAsync(Uri redirect, CancellationToken cancellationToken)
    {
        var listener = new LoopbackListener(redirect);
        try
        {
            await listener.app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await listener.DisposeAsync();
            return $"port {redirect.Port} is in use";
        }
        listener.Redirect = redirect.Port == 0 ? new UriBuilder(redirect) { Port = new Uri(listener.app.Urls.First()).Port }.Uri : redirect;
        return listener;
    }

    /// <summary>Sets the state of the login to accept. Until then, every request is rejected.</summary>
    public void Expect(Secret state) => Volatile.Write(ref expectedState, state);

    public Task<AuthorizationResponse> WaitAsync(CancellationToken cancellationToken) => received.Task.WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        var response = AuthorizationResponse.Parse(context.Request.QueryString.Value ?? "");
        if (response.State is null || !response.State.Equals(Volatile.Read(ref expectedState)))
        {
            await RespondAsync(context, 400, "This redirect belongs to another login. Start again in the terminal.");
            return;
        }
        // Set it before the response, because the browser may have closed the connection.
        received.TrySetResult(response);
        await RespondAsync(context, 200, "The exporter received the login. Close this page and see the terminal for the result.");
    }

    private static Task RespondAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers.Connection = "close";
        return context.Response.WriteAsync(
            $"<!doctype html><meta charset=\"utf-8\"><title>Exporter</title><p>{message}</p>\n", context.RequestAborted);
    }
}
