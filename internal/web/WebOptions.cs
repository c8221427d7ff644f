using System.Globalization;
using System.Net;
using Exporter.Sources;

namespace Exporter.Web;

/// <summary>Where the exporter listens and what it shows there.</summary>
/// <param name="ExternalUrl">Where browsers reach the exporter, without a slash at its end.</param>
public sealed record WebOptions(ListenAddress Listen, string TelemetryPath, Uri ExternalUrl, bool DebugHandlers)
{
    private static readonly Setting<string> Address = Sources.Settings.Text("addr", "Address to listen on, as HOST:PORT or :PORT.",
        flag: "--addr", shortFlag: 'a', variable: "NETATMO_EXPORTER_ADDR", @default: ":9210");

    private static readonly Setting<Uri> External = Sources.Settings.Address("external_url", "Address of this exporter as a browser sees it; the login returns to it. By default made from the address listened on.",
        flag: "--external-url", variable: "NETATMO_EXPORTER_EXTERNAL_URL");

    private static readonly Setting<string> Telemetry = Sources.Settings.Text("telemetry_path", "Path of the metrics page.",
        flag: "--web.telemetry-path", @default: "/metrics");

    private static readonly Setting<bool> Debug = Sources.Settings.Switch("debug_handlers", "Show the latest readings and the state of the tokens under /debug.",
        flag: "--debug-handlers", variable: "DEBUG_HANDLERS");

    public static IReadOnlyList<Setting> Settings { get; } = [Address, External, Telemetry, Debug];

    public static WebOptions Read(Section section)
    {
        if (!ListenAddress.TryParse(section.Get(Address), out var listen))
        {
            section.Problem(Address, "is no address to listen on; write HOST:PORT or :PORT, for example :9210");
        }
        var path = section.Get(Telemetry);
        if (!path.StartsWith('/') || path.Length < 2)
        {
            section.Problem(Telemetry, "must begin with a slash, for example /metrics");
        }
        return new WebOptions(listen, path, section.Find(External) ?? listen.Derived, section.Get(Debug));
    }
}

/// <summary>HOST:PORT as Go's listeners write it. An empty host is every address of the machine.</summary>
public readonly record struct ListenAddress(string Host, int Port)
{
    /// <summary>The address for a browser on the same machine, as netatmo-exporter derives it.</summary>
    public Uri Derived => new($"http://{(Host.Length == 0 ? "127.0.0.1" : Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");

    /// <summary>The IP address meant; null for every address of the machine.</summary>
    public IPAddress? Ip => IPAddress.TryParse(Host, out var ip) ? ip : null;

    public bool IsAny => Host.Length == 0;

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
