using System.Globalization;
using System.Net;

namespace Exporter.Web;

/// <summary>HOST:PORT as Go's listeners write it. An empty host is every address of the machine.</summary>
public sealed record ListenAddress(string Host, int Port)
{
    /// <summary>The IP address meant; null for every address of the machine, and for a name.</summary>
    public IPAddress? Ip => IPAddress.TryParse(Host, out var ip) ? ip : null;

    public bool IsAny => Host.Length == 0;

    /// <summary>The address for a browser on the same machine, as netatmo-exporter derives it.</summary>
    public Uri Derive(string scheme) => new($"{scheme}://{(IsAny ? "127.0.0.1" : Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");

    public static bool TryParse(string text, out ListenAddress address)
    {
        address = new("", 0);
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return false;
        }
        var host = text[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed ? !IPAddress.TryParse(host[1..^1], out _) : host.Contains(':') || Uri.CheckHostName(host) is UriHostNameType.Unknown && host.Length > 0)
        {
            return false;
        }
        address = new(bracketed ? host[1..^1] : host, port);
        return true;
    }

    public override string ToString() => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";
}
