using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace Exporter.Web;

/// <summary>The settings of the web server: addresses, access and pages. Immutable.</summary>
/// <param name="Admin">The separate address for pages and login; null if all addresses serve everything.</param>
/// <param name="ExternalUrl">The URL of the exporter in a browser.</param>
/// <param name="IsExternalUrlDerived">Whether it is derived from the address to listen on. It then works in browsers on this machine.</param>
/// <param name="ConfigFile">The path of the web configuration file; null if there is none.</param>
public sealed partial record WebOptions(
    IReadOnlyList<ListenAddress> Listen, ListenAddress? Admin, string TelemetryPath, Uri ExternalUrl, bool IsExternalUrlDerived, bool DebugHandlers,
    IReadOnlyList<string> AllowedHosts, string? ConfigFile)
{
    public static readonly Setting<string> AddressSetting = Exporter.Accounts.Settings.Text("addr", "Address to listen on, as HOST:PORT or :PORT.",
        flag: "--addr", shortFlag: 'a', variable: "NETATMO_EXPORTER_ADDR", @default: ":9210");
    private static readonly Setting<IReadOnlyList<string>> AddressesSetting = Exporter.Accounts.Settings.List("web_listen_address",
        "Addresses to listen on instead of addr, as HOST:PORT, [::1]:PORT or :PORT; may be repeated.", flag: "--web.listen-address");
    private static readonly Setting<string> AdminSetting = Exporter.Accounts.Settings.Text("web_admin_address",
        "Separate address for the pages and the login; the other addresses then serve metrics, health and /api/status only.",
        flag: "--web.admin-address");
    public static readonly Setting<Uri> ExternalUrlSetting = Exporter.Accounts.Settings.Address("external_url",
        "URL of this exporter in a browser; the login returns to it. The default is derived from the address to listen on.",
        flag: "--external-url", variable: "NETATMO_EXPORTER_EXTERNAL_URL");
    private static readonly Setting<IReadOnlyList<string>> HostsSetting = Exporter.Accounts.Settings.List("web_allowed_host",
        "Further host names with a dot that browsers may use for this exporter; may be repeated.", flag: "--web.allowed-host");

    private static readonly Setting<IReadOnlyList<string>> LoginNetworksSetting = Exporter.Accounts.Settings.List("web_allow_login_from",
        "Networks in CIDR notation whose clients may replace logins; may be repeated. A first login from a private address needs no setting.",
        flag: "--web.allow-login-from");

    private static readonly Setting<int> ConnectionsSetting = Exporter.Accounts.Settings.Number("web_connections_per_address",
        "How many connections one address may open. Default: half of all. Set it to 1000 behind a proxy with many users.",
        flag: "--web.connections-per-address", min: 1, max: 1000);

    public static readonly Setting<string> ConfigFileSetting = Exporter.Accounts.Settings.Path("web_config_file",
        "File with TLS, users and more, in the format of Prometheus' exporter-toolkit; read again when it changes.", flag: "--web.config.file");
    private static readonly Setting<string> TelemetrySetting = Exporter.Accounts.Settings.Text("telemetry_path", "Path of the metrics page.",
        flag: "--web.telemetry-path", @default: "/metrics");
    private static readonly Setting<bool> DebugSetting = Exporter.Accounts.Settings.Switch("debug_handlers",
        "Show the latest readings and the token states under /debug.", flag: "--debug-handlers", variable: "DEBUG_HANDLERS");

    public static IReadOnlyList<Setting> Settings { get; } =
    [
        AddressSetting, AddressesSetting, AdminSetting, ExternalUrlSetting, HostsSetting, LoginNetworksSetting, ConnectionsSetting, ConfigFileSetting,
        TelemetrySetting, DebugSetting,
    ];

    internal WebConfig? Config { get; init; }

    /// <summary>How many connections one address may open; null for half of all.</summary>
    public int? ConnectionsPerAddress { get; init; }

    /// <summary>Networks whose clients may replace logins.</summary>
    public IReadOnlyList<IPNetwork> AllowLoginFrom { get; init; } = [];

    /// <summary>Contains the key of one-time links.</summary>
    public string StateDirectory { get; init; } = Exporter.Accounts.StateDirectory.Default;

    public bool IsStateDirectoryConfigured { get; init; }

    /// <summary>The environment has the state directory, so that another command in it needs no flag.</summary>
    public bool IsStateDirectoryInEnvironment { get; init; }

    public bool IsExternalUrlInEnvironment { get; init; }

    /// <summary>Settings that work but should be changed, a sentence each.</summary>
    public IEnumerable<string> Warnings => Config?.Warnings.Select(w => w.ToString()) ?? [];

    /// <summary>The URL for a health check on this machine.</summary>
    public Uri OwnAddress => Listen[0].Derive(Scheme(Config));

    /// <summary>The URLs of all addresses on this machine.</summary>
    public IEnumerable<Uri> OwnAddresses => Listen.Append(Admin).OfType<ListenAddress>().Select(address => address.Derive(Scheme(Config))).Distinct();

    /// <summary>Whether the web configuration file requires a client certificate.</summary>
    public bool RequiresClientCertificate => Config?.Tls?.ClientAuthentication
        is ClientAuthentication.RequireAnyClientCert or ClientAuthentication.RequireAndVerifyClientCert;

    /// <summary>Whether <paramref name="certificate"/> is the one that this exporter presents.</summary>
    public bool IsOwnCertificate(X509Certificate certificate)
    {
        try
        {
            using var own = Config?.Tls?.Certificate().Value is { } pem ? X509Certificate2.CreateFromPem(pem) : null;
            return own?.Equals(certificate) == true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public static WebOptions Read(Section section)
    {
        if (section.Find(AddressesSetting) is not null && section.Origin(AddressSetting) is not (null or "default"))
        {
            section.Problem(AddressSetting, $"{AddressesSetting.Flag} is set as well; keep one of the two");
        }
        ListenAddress[] listen = section.Find(AddressesSetting) is { Count: > 0 } addresses
            ? [.. addresses.Select(text => Address(section, AddressesSetting, text))]
            : [Address(section, AddressSetting, section.Get(AddressSetting))];
        var admin = section.Find(AdminSetting) is { } adminText ? Address(section, AdminSetting, adminText) : null;
        var path = section.Get(TelemetrySetting);
        if (!PlainPath().IsMatch(path) || ReservedPath().IsMatch(path))
        {
            section.Problem(TelemetrySetting, $"\"{Sanitize.Line(path, 60)}\" {(
                !path.StartsWith('/') ? $"does not begin with a slash; write /{Sanitize.Line(path, 60)}"
                : ReservedPath().IsMatch(path) ? "is a page of the exporter already; choose another path, for example /metrics"
                : "must have a name of letters, digits, and - _ . ~ / after the slash; write for example /metrics")}");
            path = "/metrics";
        }
        var file = section.Find(ConfigFileSetting);
        var config = file is null ? null : ReadConfig(section, file);
        var externalUrl = section.Find(ExternalUrlSetting);
        foreach (var host in (section.Find(HostsSetting) ?? []).Where(host => Uri.CheckHostName(host) == UriHostNameType.Unknown))
        {
            section.Problem(HostsSetting, $"\"{Sanitize.Line(host, 60)}\" is not a host name; write only the name, for example nas.example.org");
        }
        return new WebOptions(
            listen, admin, path, externalUrl ?? (admin ?? listen[0]).Derive(Scheme(config)), externalUrl is null, section.Get(DebugSetting),
            section.Find(HostsSetting) ?? [], file)
        {
            Config = config,
            ConnectionsPerAddress = section.Find(ConnectionsSetting),
            AllowLoginFrom = [.. (section.Find(LoginNetworksSetting) ?? []).Select(text => Network(section, text)).OfType<IPNetwork>()],
            StateDirectory = Exporter.Accounts.StateDirectory.Read(section),
            IsStateDirectoryConfigured = Exporter.Accounts.StateDirectory.IsConfigured(section),
            IsStateDirectoryInEnvironment = IsInEnvironment(section, Exporter.Accounts.StateDirectory.Setting),
            IsExternalUrlInEnvironment = IsInEnvironment(section, ExternalUrlSetting),
        };
    }

    private static bool IsInEnvironment(Section section, Setting setting) => section.Origin(setting) == setting.Variable;

    private static string Scheme(WebConfig? config) => config?.Tls is null ? "http" : "https";

    private static ListenAddress Address(Section section, Setting setting, string text)
    {
        if (ListenAddress.Parse(text) is { } address)
        {
            return address;
        }
        section.Problem(setting, ListenAddress.ProblemOf(text));
        return new ListenAddress("", 0);
    }

    private static IPNetwork? Network(Section section, string text)
    {
        var (network, problem) = ClientNetwork.Parse(text);
        if (problem is not null)
        {
            section.Problem(LoginNetworksSetting, problem);
        }
        return network;
    }

    private static WebConfig? ReadConfig(Section section, string file)
    {
        var (text, problem) = SmallFile.Read(file, YamlFile.Largest, isReadAgain: true);
        if (text is null)
        {
            section.Problem(ConfigFileSetting, problem!);
            return null;
        }
        var (config, problems) = WebConfigReader.Read(file, text);
        foreach (var one in problems)
        {
            section.Add(one);
        }
        // A command that changes nothing serves nothing, and its user may not be permitted to read the key.
        if (config?.Tls is { } tls && !CurrentStoreAccess.IsReadOnly && TlsHandshake.Material.Read(tls, null).Failure is { } unusable)
        {
            section.Add(new Problem(file, unusable));
        }
        return config;
    }

    [GeneratedRegex(@"^/[A-Za-z0-9\-._~/]+\z")]
    private static partial Regex PlainPath();

    [GeneratedRegex(@"^/(auth|-|assets|debug|help|plots|version|api|healthz)(/|\z)")]
    private static partial Regex ReservedPath();
}
