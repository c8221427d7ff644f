using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Exporter.BmwCarData;

/// <summary>The settings of a BMW account. The variables are those of the CarData streaming client.</summary>
/// <param name="ClientId">Null if the token file has the client ID, as in BmwTokenManager's file.</param>
/// <param name="Vins">Empty means every car of the account.</param>
/// <param name="Auth">The base address of the login.</param>
internal sealed record BmwCarDataOptions(string? ClientId, IReadOnlyList<string> Vins, Uri Auth, string MqttHost, int MqttPort, bool MqttLogging)
{
    /// <summary>The values of the <c>vin</c> label, by vehicle identification number.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether to store the location of a car.</summary>
    public bool Location { get; init; }
    public IReadOnlyList<string> SkippedKeys { get; init; } = [];

    /// <summary>The metrics of the user's mapping file.</summary>
    public IReadOnlyList<BmwMetric.Custom> CustomMetrics { get; init; } = [];

    /// <summary>Limits the memory that messages can use.</summary>
    public int MaximumCars { get; init; } = 50;
    public int MaximumKeysPerCar { get; init; } = 1000;

    /// <summary>Messages that would add more series are rejected.</summary>
    public SeriesLimit Series { get; init; } = SeriesLimit.Default;

    /// <summary>A longer text becomes <see cref="BmwValue.None"/>.</summary>
    public int MaximumTextLength { get; init; } = 128;

    /// <summary>The trusted certificates of the stream; null means those of the system.</summary>
    public X509Certificate2Collection? MqttCertificates { get; init; }

    /// <summary>Whether to use BMW's CarData API.</summary>
    public bool Rest { get; init; }
    public int RestDailyCalls { get; init; }

    /// <summary>The base address of the CarData API.</summary>
    public Uri? Api { get; init; }

    internal static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "File that contains the token; updated at every renewal.",
        variable: "BMW_TOKEN_FILE", @default: "bmw_tokens.json");
    internal static readonly Setting<string> ClientIdSetting = Settings.Of(
        "client_id", "Client ID from BMW's portal; by default the one in the token file.", ReadClientId, "UUID",
        variable: "BMW_CLIENT_ID");
    private static readonly Setting<IReadOnlyList<string>> VinSetting = Settings.List("vin",
        "Vehicle identification numbers of the cars to follow; by default every car of the account.", variable: "BMW_VIN");
    private static readonly Setting<Uri> AuthSetting = Settings.Address("auth_url", "Base address of BMW's login; change it only for tests.",
        variable: "BMW_AUTH_URL", @default: "https://customer.bmwgroup.com");
    private static readonly Setting<string> MqttHostSetting = Settings.Text("mqtt_host", "Host of BMW's stream.",
        variable: "BMW_MQTT_HOST", @default: "customer.streaming-cardata.bmwgroup.com", placeholder: "HOST");
    private static readonly Setting<int> MqttPortSetting = Settings.Number("mqtt_port", "Port of BMW's stream.",
        variable: "BMW_MQTT_PORT", @default: "9000", min: 1, max: 65535);
    private static readonly Setting<string> MqttCertificatesSetting = Settings.Path("mqtt_ca_file",
        "PEM file with the certificates to trust for the stream instead of the system's; change it only for tests.", variable: "BMW_MQTT_CA_FILE");
    private static readonly Setting<bool> MqttLoggingSetting = Settings.Switch("mqtt_logging", "Log the MQTT packets of BMW's stream.",
        variable: "MQTT_LOGGING");
    private static readonly Setting<IReadOnlyList<string>> AliasSetting = Settings.List("vin_alias",
        "Name of a car in the vin label, as VIN=NAME, so that metrics do not reveal the VIN.", variable: "BMW_VIN_ALIAS");
    private static readonly Setting<bool> LocationSetting = Settings.Switch("location",
        "Export the location of the cars; if off, it is not even stored.", variable: "BMW_LOCATION");
    private static readonly Setting<IReadOnlyList<string>> SkippedKeysSetting = Settings.List("skip_keys",
        "Keys of BMW to ignore, with the wildcards * and ?.", variable: "BMW_SKIP_KEYS");
    private static readonly Setting<string> MappingSetting = Settings.Path("mapping_file",
        "YAML file that defines metrics for keys without a built-in metric.", variable: "BMW_MAPPING_FILE");
    private static readonly Setting<bool> RestSetting = Settings.Switch("rest",
        "Also use BMW's CarData API: read the descriptions of the cars once a day, and their last values after a start.", variable: "BMW_REST");
    private static readonly Setting<int> RestDailyCallsSetting = Settings.Number("rest_daily_calls",
        "Maximum requests to BMW's CarData API in 24 hours. BMW allows each user 50, shared by all programs.",
        variable: "BMW_REST_DAILY_CALLS", @default: "20", min: 1, max: BmwRest.DailyQuota);
    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of BMW's CarData API; change it only for tests.",
        variable: "BMW_API_URL", @default: "https://api-cardata.bmwgroup.com");

    public static SourceSettings All { get; } = new("bmw-cardata",
    [
        TokenFileSetting, ClientIdSetting, VinSetting, AliasSetting, LocationSetting, SkippedKeysSetting, MappingSetting, AuthSetting,
        MqttHostSetting, MqttPortSetting, MqttCertificatesSetting, MqttLoggingSetting, RestSetting, RestDailyCallsSetting, ApiSetting,
    ]);

    public bool Follows(string vin) => Vins.Count == 0 || Vins.Contains(vin);

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
            Aliases = ReadAliases(section),
            Location = section.Get(LocationSetting),
            SkippedKeys = section.Find(SkippedKeysSetting) ?? [],
            CustomMetrics = section.Find(MappingSetting) is { } file ? BmwMappingFile.Read(file, section, MappingSetting) : [],
            MqttCertificates = ReadCertificates(section),
            Rest = section.Get(RestSetting),
            RestDailyCalls = section.Get(RestDailyCallsSetting),
            Api = section.Get(ApiSetting),
        };
        if (!options.Vins.All(IsVin))
        {
            section.Problem(VinSetting, "is not a vehicle identification number; copy its 17 letters and digits from the registration certificate");
        }
        return options;
    }

    private static X509Certificate2Collection? ReadCertificates(Section section)
    {
        if (section.Find(MqttCertificatesSetting) is not { } file)
        {
            return null;
        }
        var (text, problem) = SmallFile.Read(file, YamlFile.Largest);
        section.AddDependency(text ?? "");
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
            problem ??= certificates.Count == 0 ? "contains no certificate; name a file in PEM format" : null;
        }
        catch (CryptographicException)
        {
            problem = "contains an invalid certificate; name a file in PEM format";
        }
        if (problem is not null)
        {
            section.Problem(MqttCertificatesSetting, problem);
        }
        return certificates;
    }

    private static Dictionary<string, string> ReadAliases(Section section)
    {
        var aliases = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in section.Find(AliasSetting) ?? [])
        {
            if (text.Split('=', 2, StringSplitOptions.TrimEntries) is not [var vin, { Length: > 0 } name]
                || !IsVin(vin) || !aliases.TryAdd(vin.ToUpperInvariant(), name))
            {
                section.Problem(AliasSetting, "is not a list of VIN=NAME with each car once; write the 17 letters and digits of the VIN");
            }
        }
        if (aliases.Values.Distinct(StringComparer.Ordinal).Count() < aliases.Count)
        {
            section.Problem(AliasSetting, "gives two cars the same name; use different names");
        }
        return aliases;
    }

    /// <summary>Converts to lower case, because BMW responds with HTTP 500 to a client ID in upper case.</summary>
    private static Result<string, string> ReadClientId(string text) => Guid.TryParseExact(text, "D", out var id)
        ? new(id.ToString("D"), null)
        : new(null, "is not a client ID of BMW; copy the UUID that BMW's portal shows under CarData");

    /// <summary>ISO 3779 excludes I, O and Q.</summary>
    private static bool IsVin(string text) => text.Length == 17 && text.All(c => char.IsAsciiLetterOrDigit(c) && c is not ('I' or 'O' or 'Q'));
}
