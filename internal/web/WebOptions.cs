using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Web;

/// <summary>Where the exporter listens, who may come, and what it shows there. Immutable.</summary>
public sealed partial record WebOptions
{
    private static readonly Setting<string> AddressSetting = Exporter.Accounts.Settings.Text("addr", "Address to listen on, as HOST:PORT or :PORT.",
        flag: "--addr", shortFlag: 'a', variable: "NETATMO_EXPORTER_ADDR", @default: ":9210");

    private static readonly Setting<IReadOnlyList<string>> AddressesSetting = Exporter.Accounts.Settings.List("web_listen_address",
        "Addresses to listen on instead of addr, as HOST:PORT, [::1]:PORT or :PORT; may be repeated.", flag: "--web.listen-address");

    private static readonly Setting<string> AdminSetting = Exporter.Accounts.Settings.Text("web_admin_address",
        "Address for people: the pages and the login are there, and the other addresses answer the metrics page and health alone.", flag: "--web.admin-address");

    private static readonly Setting<Uri> ExternalSetting = Exporter.Accounts.Settings.Address("external_url",
        "Address of this exporter as a browser sees it; the login returns to it. By default made from the address listened on.",
        flag: "--external-url", variable: "NETATMO_EXPORTER_EXTERNAL_URL");

    private static readonly Setting<IReadOnlyList<string>> HostsSetting = Exporter.Accounts.Settings.List("web_allowed_host",
        "Further names with a dot that browsers may use for this exporter, besides the external URL's; may be repeated.", flag: "--web.allowed-host");

    private static readonly Setting<string> ConfigSetting = Exporter.Accounts.Settings.Path("web_config_file",
        "File with TLS, users and more, in the form of Prometheus' exporter-toolkit; read again when it changes.", flag: "--web.config.file");

    private static readonly Setting<string> TelemetrySetting = Exporter.Accounts.Settings.Text("telemetry_path", "Path of the metrics page.",
        flag: "--web.telemetry-path", @default: "/metrics");

    private static readonly Setting<bool> DebugSetting = Exporter.Accounts.Settings.Switch("debug_handlers", "Show the latest readings and the state of the tokens under /debug.",
        flag: "--debug-handlers", variable: "DEBUG_HANDLERS");

    public static IReadOnlyList<Setting> Settings { get; } =
        [AddressSetting, AddressesSetting, AdminSetting, ExternalSetting, HostsSetting, ConfigSetting, TelemetrySetting, DebugSetting];

    public IReadOnlyList<ListenAddress> Listen { get; init; } = [new("", 9210)];

    /// <summary>Where people go; null when they go where Prometheus does.</summary>
    public ListenAddress? Admin { get; init; }

    public string TelemetryPath { get; init; } = "/metrics";

    /// <summary>Where browsers reach the exporter.</summary>
    public Uri ExternalUrl { get; init; } = new("http://127.0.0.1:9210");

    /// <summary>Nobody said so: it was made from the address listened on, and is good for browsers on this machine.</summary>
    public bool IsExternalUrlDerived { get; init; } = true;

    public bool DebugHandlers { get; init; }

    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>The web configuration file's path; null where there is none.</summary>
    public string? ConfigFile { get; init; }

    internal WebConfig? Config { get; init; }

    /// <summary>What works and should be changed, a sentence each.</summary>
    public IEnumerable<string> Warnings => Config?.Warnings.Select(w => w.ToString()) ?? [];

    /// <summary>Where a program on this machine asks whether the exporter is well.</summary>
    public Uri OwnAddress => Listen[0].Derive(Config?.Tls is null ? "http" : "https");

    /// <summary>Whether it is the certificate that this exporter shows.</summary>
    public bool IsOwnCertificate(X509Certificate shown)
    {
        try
        {
            using var own = Config?.Tls?.Certificate.Read().Value is { } pem ? X509Certificate2.CreateFromPem(pem) : null;
            return own?.Equals(shown) == true;
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
            section.Problem(AddressSetting, $"{AddressesSetting.Flag} is given as well; keep one of the two");
        }
        ListenAddress[] listen = section.Find(AddressesSetting) is { Count: > 0 } several
            ? [.. several.Select(text => Address(section, AddressesSetting, text))]
            : [Address(section, AddressSetting, section.Get(AddressSetting))];
        ListenAddress? admin = section.Find(AdminSetting) is { } given ? Address(section, AdminSetting, given) : null;
        var path = section.Get(TelemetrySetting);
        if (!PlainPath().IsMatch(path) || TakenPath().IsMatch(path))
        {
            section.Problem(TelemetrySetting, "must begin with a slash, hold letters, digits, and any of - _ . ~ /, and be none of the exporter's other pages; for example /metrics");
            path = "/metrics";
        }
        var file = section.Find(ConfigSetting);
        var config = file is null ? null : ReadConfig(section, file);
        return new WebOptions
        {
            Listen = listen,
            Admin = admin,
            TelemetryPath = path,
            ExternalUrl = section.Find(ExternalSetting) ?? (admin ?? listen[0]).Derive(config?.Tls is null ? "http" : "https"),
            IsExternalUrlDerived = section.Find(ExternalSetting) is null,
            DebugHandlers = section.Get(DebugSetting),
            AllowedHosts = section.Find(HostsSetting) ?? [],
            ConfigFile = file,
            Config = config,
        };
    }

    private static ListenAddress Address(Section section, Setting setting, string text)
    {
        if (!ListenAddress.TryParse(text, out var address))
        {
            section.Problem(setting, "is no address to listen on; write HOST:PORT or :PORT, for example :9210");
        }
        return address;
    }

    private static WebConfig? ReadConfig(Section section, string file)
    {
        var (text, problem) = SmallFile.Read(file, YamlFile.Largest);
        if (text is null)
        {
            section.Problem(ConfigSetting, problem!);
            return null;
        }
        var (config, problems) = WebConfigReader.Read(file, text);
        foreach (var one in problems)
        {
            section.Add(one);
        }
        if (config?.Tls is { } tls && TlsHandshake.Material.Read(tls, null).Problem is { } unusable)
        {
            section.Add(new Problem(file, unusable));
        }
        return config;
    }

    [GeneratedRegex(@"^/[A-Za-z0-9\-._~/]+\z")]
    private static partial Regex PlainPath();

    [GeneratedRegex(@"^/(auth|-|assets|debug|version)(/|\z)")]
    private static partial Regex TakenPath();
}
