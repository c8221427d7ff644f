using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Netatmo;

/// <summary>The settings of an account at Netatmo. Flags, variables and defaults are netatmo-exporter's where it has them.</summary>
/// <param name="Api">One base for API and login; another than Netatmo's is a stand-in.</param>
internal sealed record NetatmoOptions(
    string ClientId, Secret ClientSecret, TimeSpan RefreshInterval, TimeSpan AgeStale, Uri Api, bool Stations, bool Favourites, bool HomeCoaches, bool Location)
{
    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "File that the token is kept in; written after every renewal. By default one in the state directory, where that is set.",
        flag: "--token-file", variable: "NETATMO_EXPORTER_TOKEN_FILE");

    private static readonly Setting<string> ClientIdSetting = Settings.Text("client_id", "Client id of your app at Netatmo.",
        flag: "--client-id", shortFlag: 'i', variable: "NETATMO_CLIENT_ID");

    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret("client_secret", "Client secret of your app at Netatmo.",
        flag: "--client-secret", shortFlag: 's', variable: "NETATMO_CLIENT_SECRET");

    private static readonly Setting<TimeSpan> RefreshIntervalSetting = Settings.Duration("refresh_interval",
        "Time between two requests for readings. Stations send about every ten minutes, and Netatmo counts requests.",
        flag: "--refresh-interval", variable: "NETATMO_REFRESH_INTERVAL", @default: "8m", min: TimeSpan.FromSeconds(10));

    private static readonly Setting<TimeSpan> AgeStaleSetting = Settings.Duration("age_stale",
        "A module that was silent for longer has no measurements on the page.",
        flag: "--age-stale", variable: "NETATMO_AGE_STALE", @default: "1h");

    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of Netatmo's API and login; for a stand-in.",
        flag: "--api-url", variable: "NETATMO_API_URL", @default: "https://api.netatmo.com");

    private static readonly Setting<bool> StationsSetting = Settings.Switch("stations", "Read weather stations (scope read_station).",
        flag: "--stations", variable: "NETATMO_STATIONS", @default: "true");

    private static readonly Setting<bool> FavouritesSetting = Settings.Switch("favourites", "Also read the weather stations of others that you marked as favourites.",
        flag: "--favourites", variable: "NETATMO_FAVOURITES");

    private static readonly Setting<bool> HomeCoachesSetting = Settings.Switch("home_coaches", "Read Home Coaches too (scope read_homecoach).",
        flag: "--home-coaches", variable: "NETATMO_HOME_COACHES");

    private static readonly Setting<bool> LocationSetting = Settings.Switch("location", "Tell on the page where the stations stand.",
        flag: "--location", variable: "NETATMO_LOCATION");

    public static SourceSettings All { get; } = new("netatmo",
    [
        TokenFileSetting, ClientIdSetting, ClientSecretSetting, RefreshIntervalSetting, AgeStaleSetting, ApiSetting,
        StationsSetting, FavouritesSetting, HomeCoachesSetting, LocationSetting,
    ]);

    public IReadOnlyList<string> Scopes =>
    [
        .. Stations ? ["read_station"] : Array.Empty<string>(),
        .. HomeCoaches ? ["read_homecoach"] : Array.Empty<string>(),
    ];

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
            section.Problem(AgeStaleSetting, "is shorter than the refresh interval, so every reading would be stale before the next; make it longer");
        }
        if (options is { Stations: false, HomeCoaches: false })
        {
            section.Problem(StationsSetting, "leaves nothing to read; set home_coaches, or leave stations on");
        }
        return options;
    }
}
