using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Exporter.Web;

/// <summary>Configures Kestrel: addresses, TLS, and limits for slow or large requests.</summary>
internal static class Listeners
{
    private const int MaxBody = 16 * 1024;

    // A compressed page of twenty thousand series: such a scrape does not wait for its client, and a client that does not read costs no more.
    private const int MaxResponseBuffer = 256 * 1024;

    /// <summary>A client that does not read its response keeps a connection that others need.</summary>
    private static readonly MinDataRate SlowestReader = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));

    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    public static void Configure(
        KestrelServerOptions kestrel, WebOptions options, ConnectionLimits limits, LiveWebConfig? config, ILogger logger)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxBody;
        kestrel.Limits.MaxResponseBufferSize = MaxResponseBuffer;
        kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
        kestrel.Limits.MinResponseDataRate = SlowestReader;
        var handshake = config?.Initial.Tls is null ? null : new TlsHandshake(config, logger);
        // The admin address is first: the login returns there, and the server's first address is used to derive the external URL.
        if (options.Admin is { } admin)
        {
            Listen(kestrel, admin, listen =>
            {
                Secure(listen);
                listen.Use(next => connection =>
                {
                    connection.Features.Set(new AdminFeature());
                    return next(connection);
                });
            });
        }
        foreach (var address in options.Listen)
        {
            Listen(kestrel, address, Secure);
        }

        void Secure(ListenOptions listen)
        {
            listen.Use(next => connection => limits.HandleAsync(connection, next));
            listen.Protocols = handshake is not null && config!.Initial.Http2 ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (handshake is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = handshake.GetOptionsAsync, HandshakeTimeout = HandshakeTimeout });
            }
        }
    }

    private static void Listen(KestrelServerOptions kestrel, ListenAddress address, Action<ListenOptions> configure)
    {
        if (address.IsAny)
        {
            kestrel.ListenAnyIP(address.Port, configure);
        }
        else if (address.Host == "localhost")
        {
            kestrel.ListenLocalhost(address.Port, configure);
        }
        else
        {
            kestrel.Listen(address.Resolve(), address.Port, configure);
        }
    }

    /// <summary>Marks a connection to the admin address.</summary>
    internal sealed record AdminFeature;
}
