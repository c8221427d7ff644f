using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Exporter.Web;

/// <summary>HOST:PORT as Go's listeners write it. An empty host means every address of the machine.</summary>
public sealed record ListenAddress(string Host, int Port)
{
    public bool IsAny => Host.Length == 0;

    /// <summary>The address to bind.</summary>
    /// <exception cref="SocketException">The name has no address.</exception>
    public IPAddress Resolve() => IPAddress.TryParse(Host, out var address) ? address : Dns.GetHostAddresses(Host)[0];

    /// <summary>The URL for a browser on the same machine, derived as in netatmo-exporter. No browser connects to an unspecified address.</summary>
    public Uri Derive(string scheme)
    {
        var host = Host is "" or "0.0.0.0" ? "127.0.0.1" : Host == "::" ? "::1" : Host;
        return new($"{scheme}://{this with { Host = host }}");
    }

    /// <summary>Null for any other text.</summary>
    public static ListenAddress? Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }
        var host = text[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        var isHost = bracketed
            ? IPAddress.TryParse(host[1..^1], out _)
            : !host.Contains(':') && (host.Length == 0 || Uri.CheckHostName(host) is not UriHostNameType.Unknown);
        return isHost ? new(bracketed ? host[1..^1] : host, port) : null;
    }

    public override string ToString() => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";
}
