using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>The addresses listened on, and how much patience each caller gets.</summary>
internal static class Listeners
{
    private const int LargestBody = 16 * 1024;
    private const int MostConnections = 1000;

    /// <summary>A compressed page of twenty thousand series: a scrape that fits in does not wait for its reader, and a reader that does not read costs no more than this and one page.</summary>
    private const int LargestUnread = 256 * 1024;

    private static readonly TimeSpan SlowestHeaders = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SlowestHandshake = TimeSpan.FromSeconds(10);

    public static void Configure(KestrelServerOptions kestrel, WebOptions options, LiveWebConfig? config, ILogger logger)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = LargestBody;
        kestrel.Limits.MaxResponseBufferSize = LargestUnread;
        kestrel.Limits.RequestHeadersTimeout = SlowestHeaders;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        var handshake = config?.Initial.Tls is null ? null : new TlsHandshake(config, logger);
        // The admin's first: it is where the login comes back to, and who asks for the server's address is to find it.
        if (options.Admin is { } admin)
        {
            Listen(kestrel, admin, listen =>
            {
                Common(listen);
                listen.Use(next => connection =>
                {
                    connection.Features.Set(new Admin());
                    return next(connection);
                });
            });
        }
        foreach (var address in options.Listen)
        {
            Listen(kestrel, address, Common);
        }

        void Common(ListenOptions listen)
        {
            listen.Protocols = handshake is not null && config!.Initial.Http2 ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (handshake is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = context => handshake.DecideAsync(context), HandshakeTimeout = SlowestHandshake });
            }
        }
    }

    private static void Listen(KestrelServerOptions kestrel, ListenAddress address, Action<ListenOptions> configure)
    {
        switch (address)
        {
            case { IsAny: true }:
                kestrel.ListenAnyIP(address.Port, configure);
                break;
            case { Ip: { } ip }:
                kestrel.Listen(ip, address.Port, configure);
                break;
            case { Host: "localhost" }:
                kestrel.ListenLocalhost(address.Port, configure);
                break;
            default:
                kestrel.Listen(Dns.GetHostAddresses(address.Host)[0], address.Port, configure);
                break;
        }
    }

    /// <summary>On a connection that came by the admin's address.</summary>
    internal sealed record Admin;
}
