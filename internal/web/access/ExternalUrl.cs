using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>Where browsers reach the exporter: the login returns there, and its cookie with it.</summary>
internal sealed class ExternalUrl(WebOptions options, IServer server)
{
    /// <summary>Without a slash at its end. Where a free port was asked for, known once the server listens.</summary>
    public string Text => options is { IsExternalUrlDerived: true, ExternalUrl.Port: 0 } ? Bound() : options.ExternalUrl.OriginalString.TrimEnd('/');

    public Uri Value => new(Text);

    /// <summary>The one redirect URI, as netatmo-exporter's users have registered it.</summary>
    public Uri Callback => new($"{Text}/auth/callback");

    public bool IsHttps => options.ExternalUrl.Scheme == Uri.UriSchemeHttps;

    /// <summary>Whether a browser that was given this host name gets the cookie back after a login.</summary>
    public bool IsHere(HttpRequest request) =>
        request.Host.HasValue && string.Equals(request.Host.Host, Host(Value), StringComparison.OrdinalIgnoreCase) && (request.Host.Port ?? (request.IsHttps ? 443 : 80)) == Value.Port;

    /// <summary>
    /// Whether a browser that came by this request's host name can be expected to reach the external URL: its owner has named it, or
    /// both are this machine.
    /// </summary>
    public bool IsReachableFrom(HttpRequest request) => !(IsLoopback(Host(Value)) && options.IsExternalUrlDerived) || IsLoopback(request.Host.Host);

    /// <summary>Whether the browser sees HTTPS, from us or from a proxy before us: then cookies can be bound to that.</summary>
    public bool IsSecure(HttpRequest request) => request.IsHttps || (IsHttps && IsHere(request));

    private static string Host(Uri url) => url.HostNameType == UriHostNameType.IPv6 ? $"[{IPAddress.Parse(url.DnsSafeHost)}]" : url.Host;

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    private string Bound()
    {
        var address = BindingAddress.Parse(server.Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var host = address.Host is "[::]" or "0.0.0.0" or "*" or "+" ? "127.0.0.1" : address.Host;
        return $"{options.ExternalUrl.Scheme}://{host}:{address.Port}";
    }
}
