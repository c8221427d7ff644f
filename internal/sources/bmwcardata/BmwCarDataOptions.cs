using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>The settings of an account at BMW. The variables are those of the CarData streaming client.</summary>
/// <param name="ClientId">Null when it has to come from the token file, as BmwTokenManager's does.</param>
/// <param name="Vins">Empty means every car of the account.</param>
/// <param name="Auth">The base of the login; another than BMW's is a stand-in.</param>
internal sealed record BmwCarDataOptions(string? ClientId, IReadOnlyList<string> Vins, Uri Auth, string MqttHost, int MqttPort, bool MqttLogging)
{
    /// <summary>What cars are called in labels, by their numbers.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether to tell where the cars are.</summary>
    public bool Location { get; init; }

    public IReadOnlyList<string> SkippedKeys { get; init; } = [];

    public IReadOnlyList<BmwMetric.Mapped> Mappings { get; init; } = [];

    /// <summary>Whose certificates the stream is trusted by, in the place of the system's.</summary>
    public X509Certificate2Collection? MqttTrusted { get; init; }

    public BmwLimits Limits => new(Vins, Location) { SkippedKeys = SkippedKeys };

    /// <summary>Whether the customer interface is asked at all.</summary>
    public bool Rest { get; init; }

    /// <summary>Calls of it within 24 hours, retries too.</summary>
    public int RestDailyCalls { get; init; }

    /// <summary>Its base; another than BMW's is a stand-in.</summary>
    public Uri? Api { get; init; }

    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "File that the token is kept in; written after every renewal.",
        variable: "BMW_TOKEN_FILE", @default: "bmw_tokens.json");

    private static readonly Setting<string> ClientIdSetting = Settings.Of("client_id", "Client id from BMW's portal; without it, the one in the token file.",
        ReadClientId, "UUID", variable: "BMW_CLIENT_ID");

    private static readonly Setting<IReadOnlyList<string>> VinSetting = Settings.List("vin", "Vehicle identification numbers of the cars to follow; without any, every car of the account.",
        variable: "BMW_VIN");

    private static readonly Setting<Uri> AuthSetting = Settings.Address("auth_url", "Base address of BMW's login; for a stand-in.",
        variable: "BMW_AUTH_URL", @default: "https://customer.bmwgroup.com");

    private static readonly Setting<string> MqttHostSetting = Settings.Text("mqtt_host", "Host of BMW's stream.",
        variable: "BMW_MQTT_HOST", @default: "customer.streaming-cardata.bmwgroup.com", placeholder: "HOST");

    private static readonly Setting<int> MqttPortSetting = Settings.Number("mqtt_port", "Port of BMW's stream.",
        variable: "BMW_MQTT_PORT", @default: "9000", min: 1, max: 65535);

    private static readonly Setting<string> MqttTrustSetting = Settings.Path("mqtt_ca_file", "Certificates (PEM) to trust for the stream in the place of the system's; for a stand-in.",
        variable: "BMW_MQTT_CA_FILE");

    private static readonly Setting<bool> MqttLoggingSetting = Settings.Switch("mqtt_logging", "Log what is said to BMW's stream and by it.",
        variable: "MQTT_LOGGING");

    private static readonly Setting<IReadOnlyList<string>> NameSetting = Settings.List("vin_alias",
        "What a car is called in the vin label, as VIN=NAME, so that metrics do not tell its number.", variable: "BMW_VIN_ALIAS");

    private static readonly Setting<bool> LocationSetting = Settings.Switch("location",
        "Tell where the cars are; otherwise it is not even kept.", variable: "BMW_LOCATION");

    private static readonly Setting<IReadOnlyList<string>> SkippedKeysSetting = Settings.List("skip_keys",
        "Keys of BMW's to leave out, with * and ? for any characters.", variable: "BMW_SKIP_KEYS");

    private static readonly Setting<string> MappingSetting = Settings.Path("mapping_file",
        "YAML file that makes metrics of keys which this program does not know.", variable: "BMW_MAPPING_FILE");

    private static readonly Setting<bool> RestSetting = Settings.Switch("rest",
        "Ask BMW's customer interface too: once a day what the cars are, and after a start their last values.", variable: "BMW_REST");

    private static readonly Setting<int> RestDailyCallsSetting = Settings.Number("rest_daily_calls",
        "Calls of the customer interface within 24 hours at most. BMW allows a user 50, all programs together.",
        variable: "BMW_REST_DAILY_CALLS", @default: "20", min: 1, max: DailyBudget.Allowed);

    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of BMW's customer interface; for a stand-in.",
        variable: "BMW_API_URL", @default: "https://api-cardata.bmwgroup.com");

    public static SourceSettings All { get; } = new("bmw-cardata",
    [
        TokenFileSetting, ClientIdSetting, VinSetting, NameSetting, LocationSetting, SkippedKeysSetting, MappingSetting, AuthSetting,
        MqttHostSetting, MqttPortSetting, MqttTrustSetting, MqttLoggingSetting, RestSetting, RestDailyCallsSetting, ApiSetting,
    ]);

    public static BmwCarDataOptions Read(Section section)
    {
        var options = new BmwCarDataOptions(
            section.Find(ClientIdSetting),
            [.. (section.Find(VinSetting) ?? []).Select(vin => vin.ToUpperInvariant()).Distinct()],
            section.Get(AuthSetting),
            section.Get(MqttHostSetting),
            section.Get(MqttPortSetting),
            section.Get(MqttLoggingSetting))
        {
            Names = ReadNames(section),
            Location = section.Get(LocationSetting),
            SkippedKeys = section.Find(SkippedKeysSetting) ?? [],
            Mappings = section.Find(MappingSetting) is { } file ? BmwMappingFile.Read(file, section, MappingSetting) : [],
            MqttTrusted = ReadTrusted(section),
            Rest = section.Get(RestSetting),
            RestDailyCalls = section.Get(RestDailyCallsSetting),
            Api = section.Get(ApiSetting),
        };
        if (options.Vins.FirstOrDefault(vin => !IsVin(vin)) is not null)
        {
            section.Problem(VinSetting, "is no vehicle identification number; it has 17 letters and digits, as in the registration certificate");
        }
        return options;
    }

    private static X509Certificate2Collection? ReadTrusted(Section section)
    {
        if (section.Find(MqttTrustSetting) is not { } file)
        {
            return null;
        }
        var (text, problem) = SmallFile.Read(file, YamlFile.Largest);
        var trusted = new X509Certificate2Collection();
        try
        {
            trusted.ImportFromPem(text);
            problem ??= trusted.Count == 0 ? "holds no certificate; name a file in PEM form" : null;
        }
        catch (CryptographicException)
        {
            problem = "holds a certificate that cannot be read; name a file in PEM form";
        }
        if (problem is not null)
        {
            section.Problem(MqttTrustSetting, problem);
        }
        return trusted;
    }

    private static Dictionary<string, string> ReadNames(Section section)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in section.Find(NameSetting) ?? [])
        {
            if (text.Split('=', 2, StringSplitOptions.TrimEntries) is not [var vin, { Length: > 0 } name] || !IsVin(vin) || !names.TryAdd(vin.ToUpperInvariant(), name))
            {
                section.Problem(NameSetting, "needs each car once, as VIN=NAME, the VIN with its 17 letters and digits");
            }
        }
        if (names.Values.Distinct(StringComparer.Ordinal).Count() < names.Count)
        {
            section.Problem(NameSetting, "calls two cars the same; give each a name of its own");
        }
        return names;
    }

    /// <summary>In lower case: BMW answers 500 to a client id in upper case.</summary>
    private static Parsed<string> ReadClientId(string text) => Guid.TryParseExact(text, "D", out var id)
        ? Parsed.Value(id.ToString("D"))
        : Parsed.Problem<string>("this is no client id of BMW's; copy the one that the portal shows under CarData, 8-4-4-4-12 digits and letters a to f");

    /// <summary>ISO 3779: I, O and Q are not used.</summary>
    private static bool IsVin(string text) => text.Length == 17 && text.All(c => char.IsAsciiLetterOrDigit(c) && c is not ('I' or 'O' or 'Q'));
}
