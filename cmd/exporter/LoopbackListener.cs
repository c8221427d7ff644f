using System.Net;
using System.Net.Sockets;
using Exporter.Tokens;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter;

/// <summary>
/// Waits on the loopback addresses for the browser to come back from a login (RFC 8252, section 7.3). It answers nothing but
/// the login it waits for, once.
/// </summary>
internal sealed class LoopbackListener : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly TaskCompletionSource<AuthorizationResponse> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Secret? expected;

    private LoopbackListener(Uri redirect, IReadOnlyList<IPAddress> addresses)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            foreach (var address in addresses)
            {
                kestrel.Listen(address, redirect.Port, listen => listen.Protocols = HttpProtocols.Http1);
            }
        });
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, EndSignals.Lifetime>());
        app = builder.Build();
        app.Run(context => context.Request.Path == redirect.AbsolutePath && HttpMethods.IsGet(context.Request.Method) ? TakeAsync(context) : SayAsync(context, 404, "There is nothing here."));
    }

    /// <summary>Where the browser has to come back to.</summary>
    public Uri Redirect { get; private set; } = new("about:blank");

    /// <summary>Whether a browser on this machine can come back to that address.</summary>
    public static bool CanServe(Uri redirect) => redirect.Scheme == Uri.UriSchemeHttp && redirect.IsLoopback;

    /// <summary>Listens; without a listener, the reason why there is none.</summary>
    public static async Task<(LoopbackListener? Listener, string? Reason)> StartAsync(Uri redirect, CancellationToken cancellationToken)
    {
        foreach (var addresses in Addresses(redirect))
        {
            var listener = new LoopbackListener(redirect, addresses);
            try
            {
                await listener.app.StartAsync(cancellationToken);
                listener.Redirect = redirect.Port == 0 ? new UriBuilder(redirect) { Port = new Uri(listener.app.Urls.First()).Port }.Uri : redirect;
                return (listener, null);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                await listener.DisposeAsync();
                if (e.GetBaseException() is not SocketException { SocketErrorCode: SocketError.AddressNotAvailable })
                {
                    return (null, $"port {redirect.Port} of this machine is taken");
                }
            }
        }
        return (null, "this machine has no loopback address");
    }

    /// <summary>Waits for the login with this state from now on; everything else that comes is turned away.</summary>
    public void Expect(Secret state) => Volatile.Write(ref expected, state);

    public Task<AuthorizationResponse> WaitAsync(CancellationToken cancellationToken) => answer.Task.WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }

    /// <summary>
    /// What to try, in turn. "localhost" is whatever the browser makes of it, so both are listened on, unless the machine has no
    /// IPv6; a free port can be had on one address only.
    /// </summary>
    private static IEnumerable<IReadOnlyList<IPAddress>> Addresses(Uri redirect)
    {
        if (IPAddress.TryParse(redirect.DnsSafeHost, out var address))
        {
            return [[address]];
        }
        return redirect.Port == 0 ? [[IPAddress.Loopback]] : [[IPAddress.Loopback, IPAddress.IPv6Loopback], [IPAddress.Loopback]];
    }

    private async Task TakeAsync(HttpContext context)
    {
        var response = AuthorizationResponse.Parse(context.Request.QueryString.Value ?? "");
        if (response.State is null || !response.State.Equals(Volatile.Read(ref expected)))
        {
            await SayAsync(context, 400, "This is not the login that the exporter waits for. Begin again from the terminal.");
            return;
        }
        // Before the page, which may be closed already.
        answer.TrySetResult(response);
        await SayAsync(context, 200, "The exporter has the answer. You can close this page; the terminal says how it went.");
    }

    private static Task SayAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers.Connection = "close";
        return context.Response.WriteAsync($"<!doctype html><meta charset=\"utf-8\"><title>Exporter</title><p>{sentence}</p>\n", context.RequestAborted);
    }
}
