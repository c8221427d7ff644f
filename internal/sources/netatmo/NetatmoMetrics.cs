namespace Exporter.Netatmo;

/// <param name="AgeStale">Older measurements of a module are not exported.</param>
/// <param name="Location">Whether to export the location of the stations.</param>
internal sealed record NetatmoMetricsOptions(TimeSpan AgeStale, bool Location = false);

/// <summary>
/// Converts a reading to metric families. Names, helps, labels and meanings marked as inherited are those of netatmo-exporter, and users
/// have them in dashboards. A new metric has the unit of the inherited metric that it complements, so that both fit on one axis.
/// </summary>
internal static class NetatmoMetrics
{
    private const string Info = "netatmo_sensor_info";
    private const string PlaceInfo = "netatmo_sensor_place_info";

    /// <summary>Exported also for a stale module.</summary>
    private static readonly Gauge[] Always =
    [
        new("netatmo_sensor_updated", "Timestamp of last update", m => Seconds(m.Measured?.At)), // inherited
        new("netatmo_sensor_reachable", "Whether Netatmo can reach the module: 1 or 0. For a base this may lag by hours.",
            m => Number(m.Reachable)),
        new("netatmo_sensor_last_seen_timestamp_seconds", "When the base last heard the module, or Netatmo the base.", m => Seconds(m.LastSeen)),
        new("netatmo_sensor_battery_percent", "Battery remaining life (10: low)", m => m.BatteryPercent), // inherited
        new("netatmo_sensor_battery_volts", "Voltage of the module's batteries.", m => m.BatteryVolts),
        new("netatmo_sensor_wifi_signal_strength", "Wifi signal strength (86: bad, 71: avg, 56: good)", m => m.WifiSignal), // inherited
        new("netatmo_sensor_rf_signal_strength", "RF signal strength (90: lowest, 60: highest)", m => m.RadioSignal), // inherited
    ];

    /// <summary>Exported only while the measurements are fresh.</summary>
    private static readonly Gauge[] WhileFresh =
    [
        new("netatmo_sensor_temperature_celsius", "Temperature measurement in celsius", m => m.Measured?.Temperature), // inherited
        new("netatmo_sensor_temperature_min_celsius", "Lowest temperature of the day so far.", m => m.Measured?.TemperatureLow.Value),
        new("netatmo_sensor_temperature_min_timestamp_seconds", "When the lowest temperature of the day was measured.",
            m => Seconds(m.Measured?.TemperatureLow.At)),
        new("netatmo_sensor_temperature_max_celsius", "Highest temperature of the day so far.", m => m.Measured?.TemperatureHigh.Value),
        new("netatmo_sensor_temperature_max_timestamp_seconds", "When the highest temperature of the day was measured.",
            m => Seconds(m.Measured?.TemperatureHigh.At)),
        new("netatmo_sensor_temperature_trend", "Trend of the temperature: -1 falling, 0 stable, 1 rising.", m => m.Measured?.TemperatureTrend),
        new("netatmo_sensor_humidity_percent", "Relative humidity measurement in percent", m => m.Measured?.Humidity), // inherited
        new("netatmo_sensor_co2_ppm", "Carbondioxide measurement in parts per million", m => m.Measured?.Co2), // inherited
        new("netatmo_sensor_co2_calibrating", "Whether the carbon dioxide sensor is calibrating: 1 or 0.", m => Number(m.Co2Calibrating)),
        new("netatmo_sensor_noise_db", "Noise measurement in decibels", m => m.Measured?.Noise), // inherited
        new("netatmo_sensor_pressure_mb", "Atmospheric pressure measurement in millibar", m => m.Measured?.Pressure), // inherited
        new("netatmo_sensor_pressure_absolute_hectopascals",
            "Atmospheric pressure as measured, without the correction to sea level of netatmo_sensor_pressure_mb.",
            m => m.Measured?.AbsolutePressure),
        new("netatmo_sensor_pressure_trend", "Trend of the pressure: -1 falling, 0 stable, 1 rising.", m => m.Measured?.PressureTrend),
        new("netatmo_sensor_health_index", "Air quality at a Home Coach: 0 healthy, 1 fine, 2 fair, 3 poor, 4 unhealthy.",
            m => m.Measured?.HealthIndex),
        new("netatmo_sensor_wind_strength_kph", "Wind strength in kilometers per hour", m => m.Measured?.WindStrength), // inherited
        // Inherited: the direction is -1 in calm air. New metrics are absent then.
        new("netatmo_sensor_wind_direction_degrees", "Wind direction in degrees", m => m.Measured?.WindDirection),
        new("netatmo_sensor_gust_strength_kph", "Strength of the strongest gust of the last five minutes in kilometers per hour.",
            m => m.Measured?.GustStrength),
        new("netatmo_sensor_gust_direction_degrees", "Direction of the strongest gust of the last five minutes in degrees.",
            m => m.Measured?.GustDirection),
        new("netatmo_sensor_wind_max_strength_kph", "Strongest wind of the day so far in kilometers per hour.", m => m.Measured?.WindHigh.Value),
        new("netatmo_sensor_wind_max_direction_degrees", "Direction of the strongest wind of the day in degrees.",
            m => m.Measured?.WindHighDirection),
        new("netatmo_sensor_wind_max_timestamp_seconds", "When the strongest wind of the day was measured.",
            m => Seconds(m.Measured?.WindHigh.At)),
        new("netatmo_sensor_rain_amount_mm", "Rain amount in millimeters", m => m.Measured?.Rain), // inherited
        new("netatmo_sensor_rain_last_hour_mm", "Rain of the last hour in millimeters.", m => m.Measured?.RainLastHour),
        new("netatmo_sensor_rain_today_mm", "Rain of the day so far in millimeters.", m => m.Measured?.RainToday),
    ];

    private static readonly Gauge[] Locations =
    [
        new("netatmo_sensor_latitude_degrees", "Latitude of the station, north is positive.", m => m.Place?.Latitude),
        new("netatmo_sensor_longitude_degrees", "Longitude of the station, east is positive.", m => m.Place?.Longitude),
        new("netatmo_sensor_altitude_meters", "Altitude of the station above sea level.", m => m.Place?.Altitude),
    ];

    /// <summary>Every family that <see cref="From"/> can return.</summary>
    public static IReadOnlyList<(string Name, string Help)> Families { get; } =
    [
        (Info, "Describes the module. The exporter polls Netatmo every netatmo_refresh_interval_seconds."
            + " Stations send data about every ten minutes; netatmo_sensor_updated is the time of the measurements."),
        .. Always.Concat(WhileFresh).Concat(Locations).Select(g => (g.Name, g.Help)),
        (PlaceInfo, "Location of the station as its owner entered it."),
    ];

    /// <summary>Returns the families that have samples.</summary>
    public static IEnumerable<MetricFamily> From(NetatmoReading reading, NetatmoMetricsOptions options, DateTimeOffset now)
    {
        var modules = LabelledModule.From(reading.Modules);
        var fresh = modules.Where(m => IsFresh(m.Module, options, now)).ToList();
        var located = modules.Where(m => options.Location && m.Module.Place is not null).ToList();
        IEnumerable<MetricFamily> families =
        [
            InfoFamily(Info, modules, Identity),
            .. Always.Select(g => g.Family(modules)),
            .. WhileFresh.Select(g => g.Family(fresh)),
            .. Locations.Select(g => g.Family(located)),
            InfoFamily(PlaceInfo, located, Address),
        ];
        return families.Where(f => f.Samples.Count > 0);
    }

    /// <summary>When the next module becomes stale, so that <see cref="From"/> returns fewer samples; null for never.</summary>
    public static DateTimeOffset? StaleAt(NetatmoReading reading, NetatmoMetricsOptions options, DateTimeOffset now) =>
        reading.Modules.Min(m => StaleFrom(m, options) is { } time && time > now && time < DateTimeOffset.MaxValue ? time : (DateTimeOffset?)null);

    /// <summary>Whether the measurements of a module are current.</summary>
    public static bool IsFresh(Module module, NetatmoMetricsOptions options, DateTimeOffset now) => StaleFrom(module, options) > now;

    // Netatmo still returns the last values of an unreachable module, so that module is stale at once. At exactly AgeStale a module is fresh.
    private static DateTimeOffset? StaleFrom(Module module, NetatmoMetricsOptions options) => module switch
    {
        { Measured: null } or { Reachable: false } or { AliveAt: null } => null,
        { AliveAt: { } at } when DateTimeOffset.MaxValue - at > options.AgeStale => at + options.AgeStale + TimeSpan.FromTicks(1),
        _ => DateTimeOffset.MaxValue,
    };

    private static IEnumerable<(string Name, string Value)> Identity(Module module) =>
    [
        ("favorite", Flag(module.Favourite)), ("firmware", module.Firmware ?? ""), ("home_id", module.HomeId ?? ""), ("id", module.Id ?? ""),
        ("kind", module.Kind ?? ""), ("read_only", Flag(module.ReadOnly)), ("station_id", module.StationId ?? ""),
    ];

    private static IEnumerable<(string Name, string Value)> Address(Module module) =>
        [("city", module.Place?.City ?? ""), ("country", module.Place?.Country ?? ""), ("timezone", module.Place?.TimeZone ?? "")];

    private static string Flag(bool flag) => flag ? "true" : "false";

    private static MetricFamily InfoFamily(
        string name, IEnumerable<LabelledModule> modules, Func<Module, IEnumerable<(string Name, string Value)>> more) =>
        MetricFamily.Info(name, Families.First(f => f.Name == name).Help,
            modules.Select(m => more(m.Module).Aggregate(m.Labels, (labels, label) => labels.With(label.Name, label.Value))));

    private static double? Seconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() / 1000.0;

    private static double? Number(bool? flag) => flag is { } known ? (known ? 1 : 0) : null;

    private sealed record Gauge(string Name, string Help, Func<Module, double?> Value)
    {
        public MetricFamily Family(IEnumerable<LabelledModule> modules) => MetricFamily.Gauge(Name, Help,
            from m in modules let value = Value(m.Module) where value is not null select new Sample(m.Labels, value.Value));
    }
}
