namespace Exporter.Webex;

/// <summary>The settings for reading and extending data sources.</summary>
/// <param name="ExtendOnly">IDs; empty means every data source.</param>
internal sealed record WebexDataOptions(
    TimeSpan RefreshInterval, bool Extend, TimeSpan ExtendMargin, TimeSpan ExtendLifetime, IReadOnlyList<string> ExtendOnly)
{
    private static readonly Setting<TimeSpan> RefreshIntervalSetting = Settings.Duration(
        "refresh_interval", "Time between two readings of the data sources.",
        flag: "--webex-refresh-interval", variable: "WEBEX_REFRESH_INTERVAL", @default: "5m", min: TimeSpan.FromMinutes(1));
    private static readonly Setting<bool> ExtendSetting = Settings.Switch(
        "extend_data_sources", "Extend data sources before their signed tokens expire.",
        flag: "--webex-extend-data-sources", variable: "WEBEX_EXTEND_DATA_SOURCES");
    private static readonly Setting<TimeSpan> ExtendMarginSetting = Settings.Duration(
        "extend_margin", "Extend a signed token this long before it expires; if its lifetime is less than twice this, at half its lifetime.",
        flag: "--webex-extend-margin", variable: "WEBEX_EXTEND_MARGIN", @default: "2h", min: TimeSpan.FromMinutes(1), max: TimeSpan.FromHours(23));
    private static readonly Setting<TimeSpan> ExtendLifetimeSetting = Settings.Duration(
        "extend_lifetime", "Lifetime of an extended signed token, in whole minutes.",
        flag: "--webex-extend-lifetime", variable: "WEBEX_EXTEND_LIFETIME", @default: "24h",
        min: DataSourceRequest.ShortestLifetime, max: DataSourceRequest.LongestLifetime);
    private static readonly Setting<IReadOnlyList<string>> ExtendOnlySetting = Settings.List(
        "extend_only", "IDs of the data sources to extend, instead of all.",
        flag: "--webex-extend-only", variable: "WEBEX_EXTEND_ONLY");

    public static IReadOnlyList<Setting> All { get; } =
        [RefreshIntervalSetting, ExtendSetting, ExtendMarginSetting, ExtendLifetimeSetting, ExtendOnlySetting];

    public static WebexDataOptions Read(Section section)
    {
        var options = new WebexDataOptions(
            section.Get(RefreshIntervalSetting), section.Get(ExtendSetting), section.Get(ExtendMarginSetting), section.Get(ExtendLifetimeSetting),
            section.Find(ExtendOnlySetting) ?? []);
        if (options.Extend && options.RefreshInterval >= options.MarginFor(options.ExtendLifetime))
        {
            section.Problem(RefreshIntervalSetting,
                "a signed token could expire between two readings; read more often, or extend for longer or earlier");
        }
        if (!options.Extend && options.ExtendOnly.Count > 0)
        {
            section.Problem(ExtendOnlySetting, "nothing is extended; set extend_data_sources as well");
        }
        return options;
    }

    /// <summary>How long before its expiry a token with this lifetime is extended.</summary>
    public TimeSpan MarginFor(TimeSpan lifetime) => lifetime < ExtendMargin * 2 ? lifetime / 2 : ExtendMargin;
}
