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

    /// <summary>What is wrong with a text that is no address, and the fix, without a full stop.</summary>
    internal static string ProblemOf(string text)
    {
        var shown = Sanitize.Line(text, 60);
        var colon = text.LastIndexOf(':');
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0
                ? $"\"{shown}\" is a URL and not an address to listen on; write {url.Host}:{url.Port}"
            : text.All(char.IsAsciiDigit) ? $"\"{shown}\" is only a number; write HOST:PORT or :PORT, for example :9210"
            : IPAddress.TryParse(text, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6
                ? $"\"{shown}\" has no port, or is an IPv6 address without brackets; write [::1]:9210"
            : colon < 0 ? $"\"{shown}\" has no port; write HOST:PORT or :PORT, for example :9210"
            : !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
                ? $"\"{shown}\" has no port from 0 to 65535 after its colon; write for example {Sanitize.Line(text[..colon], 60)}:9210"
            : $"\"{shown}\" has no valid host before its port; write HOST:PORT or :PORT, for example :9210";
    }

    public override string ToString() => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";
}
