using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Exporter.Web;

/// <summary>The address of a client and the networks that contain it.</summary>
internal static class ClientNetwork
{
    /// <summary>Loopback, RFC 1918, unique local addresses (RFC 4193) and link-local addresses.</summary>
    private static readonly IPNetwork[] PrivateNetworks =
    [
        .. new[]
        {
            "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    /// <summary>Apart from <c>X-Forwarded-*</c>: RFC 7239, RFC 9110, and what proxies and content networks send.</summary>
    private static readonly string[] ProxyHeaders =
    [
        "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Original-Forwarded-For", "X-Cluster-Client-IP", "X-Envoy-External-Address",
        "CF-Connecting-IP", "True-Client-IP", "Fastly-Client-IP",
    ];

    /// <summary>The address of the connection, as IPv4 if IPv6 only contains it, and without a scope.</summary>
    public static IPAddress? AddressOf(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? Plain(address) : null;

    public static bool IsPrivate(IPAddress address) => PrivateNetworks.Any(network => network.Contains(address));

    /// <summary>Whether a proxy sent the request. Its connection then has the proxy's address.</summary>
    public static bool IsForwarded(HttpRequest request) => request.Headers.Keys.Any(name =>
        name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
        || ProxyHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>The network that probably contains the client's neighbors. A public IPv4 address has none.</summary>
    public static IPNetwork Around(IPAddress address) => WithPrefix(address, address.AddressFamily switch
    {
        AddressFamily.InterNetworkV6 => IPAddress.IsLoopback(address) ? 128 : 64,
        _ => IsPrivate(address) && !IPAddress.IsLoopback(address) ? 24 : 32,
    });

    /// <summary>The address itself, or the network of an IPv6 address (RFC 4291: 64 bits identify the interface).</summary>
    public static IPNetwork Of(IPAddress address)
    {
        var plain = Plain(address);
        return WithPrefix(plain, plain.AddressFamily == AddressFamily.InterNetworkV6 ? 64 : 32);
    }

    /// <summary>Reads CIDR notation. Returns the network, or the problem as a sentence.</summary>
    public static (IPNetwork? Network, string? Problem) Parse(string text)
    {
        if (text.Split('/') is not [var start, var length] || !IPAddress.TryParse(start, out var address) || address.IsIPv4MappedToIPv6
            || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != start)
            || !byte.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var prefix)
            || prefix > address.GetAddressBytes().Length * 8)
        {
            return (null, $"{Sanitize.Line(text)} is not a network; write it like 192.168.1.0/24, or 192.168.1.9/32 for one address");
        }
        var network = WithPrefix(address, prefix);
        return network.BaseAddress.Equals(address) ? (network, null) : (null, $"{text} is an address inside a network; write {network}");
    }

    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes());

    private static IPNetwork WithPrefix(IPAddress address, int prefix)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = prefix; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }
        return new IPNetwork(new IPAddress(bytes), prefix);
    }
}
