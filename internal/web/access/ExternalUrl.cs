using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Exporter.Web;

/// <summary>The URL of the exporter in a browser. The login returns to it, and the login's cookie belongs to its host.</summary>
internal sealed class ExternalUrl(WebOptions options, IServer server)
{
    /// <summary>Without a trailing slash. With port 0 in the options, the port is known once the server listens.</summary>
    public string Text =>
        options is { IsExternalUrlDerived: true, ExternalUrl.Port: 0 } ? BoundUrl() : options.ExternalUrl.OriginalString.TrimEnd('/');

    public Uri Value => new(Text);

    /// <summary>The redirect URI, at the path that netatmo-exporter's users have registered.</summary>
    public Uri Callback => new($"{Text}/auth/callback");

    public bool IsHttps => options.ExternalUrl.Scheme == Uri.UriSchemeHttps;

    /// <summary>Whether the request's host is the external URL's, so that a browser sends the cookie back after a login.</summary>
    public bool IsHostOf(HttpRequest request) =>
        request.Host.HasValue && string.Equals(request.Host.Host, Host(Value), StringComparison.OrdinalIgnoreCase)
        && (request.Host.Port ?? (request.IsHttps ? 443 : 80)) == Value.Port;

    /// <summary>Whether the browser can be expected to reach the external URL: it is configured, or both hosts are this machine.</summary>
    public bool IsReachableFrom(HttpRequest request) =>
        !options.IsExternalUrlDerived || !IsLoopback(Host(Value)) || IsLoopback(request.Host.Host);

    /// <summary>Whether the browser uses HTTPS, to this server or to a proxy in front of it.</summary>
    public bool IsSecure(HttpRequest request) => request.IsHttps || (IsHttps && IsHostOf(request));

    private static string Host(Uri url) => url.HostNameType == UriHostNameType.IPv6 ? $"[{IPAddress.Parse(url.DnsSafeHost)}]" : url.Host;

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    private string BoundUrl()
    {
        var address = BindingAddress.Parse(server.Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var host = address.Host is "[::]" or "0.0.0.0" or "*" or "+" ? "127.0.0.1" : address.Host;
        return $"{options.ExternalUrl.Scheme}://{host}:{address.Port}";
    }
}
