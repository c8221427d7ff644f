namespace Exporter.Netatmo;

/// <summary>The settings of a Netatmo account. Flags, variables and defaults are those of netatmo-exporter if it has them.</summary>
/// <param name="Api">The base address of API and login.</param>
internal sealed record NetatmoOptions(
    string ClientId, Secret ClientSecret, TimeSpan RefreshInterval, TimeSpan AgeStale, Uri Api,
    bool Stations, bool Favourites, bool HomeCoaches, bool Location)
{
    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file",
        "File that contains the token; updated at every renewal. Optional if a state directory is set.",
        flag: "--token-file", variable: "NETATMO_EXPORTER_TOKEN_FILE");
    private static readonly Setting<string> ClientIdSetting = Settings.Text("client_id", "Client ID of your Netatmo app.",
        flag: "--client-id", shortFlag: 'i', variable: "NETATMO_CLIENT_ID");
    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret("client_secret", "Client secret of your Netatmo app.",
        flag: "--client-secret", shortFlag: 's', variable: "NETATMO_CLIENT_SECRET");
    private static readonly Setting<TimeSpan> RefreshIntervalSetting = Settings.Duration("refresh_interval",
        "Time between two readings. Stations send data about every ten minutes, and Netatmo limits the request rate.",
        flag: "--refresh-interval", variable: "NETATMO_REFRESH_INTERVAL", @default: "8m", min: TimeSpan.FromSeconds(10));
    private static readonly Setting<TimeSpan> AgeStaleSetting = Settings.Duration("age_stale",
        "Stop exporting a module's measurements when they are older than this.",
        flag: "--age-stale", variable: "NETATMO_AGE_STALE", @default: "1h");
    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of Netatmo's API; change it only for tests.",
        flag: "--api-url", variable: "NETATMO_API_URL", @default: "https://api.netatmo.com");
    private static readonly Setting<bool> StationsSetting = Settings.Switch("stations", "Read weather stations (scope read_station).",
        flag: "--stations", variable: "NETATMO_STATIONS", @default: "true");
    private static readonly Setting<bool> FavouritesSetting = Settings.Switch("favourites",
        "Also read the weather stations of other users that you marked as favourites.",
        flag: "--favourites", variable: "NETATMO_FAVOURITES");
    private static readonly Setting<bool> HomeCoachesSetting = Settings.Switch("home_coaches", "Also read Home Coaches (scope read_homecoach).",
        flag: "--home-coaches", variable: "NETATMO_HOME_COACHES");
    private static readonly Setting<bool> LocationSetting = Settings.Switch("location", "Export the location of the stations.",
        flag: "--location", variable: "NETATMO_LOCATION");

    public static SourceSettings All { get; } = new("netatmo",
    [
        TokenFileSetting, ClientIdSetting, ClientSecretSetting, RefreshIntervalSetting, AgeStaleSetting, ApiSetting,
        StationsSetting, FavouritesSetting, HomeCoachesSetting, LocationSetting,
    ]);

    public IReadOnlyList<string> Scopes => (Stations, HomeCoaches) switch
    {
        (true, true) => ["read_station", "read_homecoach"],
        (true, false) => ["read_station"],
        (false, true) => ["read_homecoach"],
        _ => [],
    };

    public static NetatmoOptions Read(Section section)
    {
        var options = new NetatmoOptions(
            section.Require(ClientIdSetting) ?? "",
            section.Require(ClientSecretSetting) ?? new Secret(""),
            section.Get(RefreshIntervalSetting),
            section.Get(AgeStaleSetting),
            section.Get(ApiSetting),
            section.Get(StationsSetting),
            section.Get(FavouritesSetting),
            section.Get(HomeCoachesSetting),
            section.Get(LocationSetting));
        if (options.AgeStale < options.RefreshInterval)
        {
            section.Problem(AgeStaleSetting, "is shorter than the refresh interval, so measurements expire before the next reading; increase it");
        }
        if (options is { Stations: false, HomeCoaches: false })
        {
            section.Problem(StationsSetting, "leaves nothing to read; set home_coaches, or leave stations on");
        }
        return options;
    }
}
