using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Netatmo;

/// <summary>The last state of an account's stations and Home Coaches. Immutable. A station is its modules; the base is one of them.</summary>
/// <param name="ServerTime">Netatmo's clock when it sent the response.</param>
/// <param name="Unreadable">The number of modules that are not in the format of a module.</param>
internal sealed record NetatmoReading(
    DateTimeOffset? ServerTime,
    IReadOnlyList<Module> Modules,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Unreadable = 0)
{
    /// <summary>Stations and Home Coaches. Counted once, because each scrape reads it.</summary>
    [JsonIgnore]
    public int Stations { get; } = Modules.Select(m => m.StationId).Distinct().Count();

    /// <summary>
    /// Merges the responses of one poll. A module that a station or two responses list twice is included once. Fails without reading further
    /// if there are more modules than series are allowed.
    /// </summary>
    public static Result<NetatmoReading, ApiFailure> From(IReadOnlyList<StationsData> responses, SeriesLimit limit)
    {
        var modules = responses.SelectMany(r => r.Devices).SelectMany(Module.OfStation).Take(limit.Most + 1).ToList();
        return limit.Check(modules.Count, "at least ") is { } tooMany
            ? tooMany
            : new NetatmoReading(
                responses.Max(r => Module.Time(r.ServerTime)), [.. modules.DistinctBy(m => m.Id is null ? (object)m : (m.StationId, m.Id))],
                responses.Sum(r => r.Unreadable + r.Devices.Sum(device => device.CountUnreadable("modules"))));
    }

    /// <summary>The saved form is that of <c>/debug/data</c>, without its indentation.</summary>
    /// <param name="location">Whether the account exports the location; otherwise it is not saved.</param>
    public static ReadingFormat<NetatmoReading> Format(bool location) => new(
        NetatmoSource.SourceName,
        (writer, reading) => JsonSerializer.Serialize(writer, reading.With(location), NetatmoReadingJson.Default.NetatmoReading),
        json => Json.Items(Json.Member(json, "modules"))?.All(module => module.ValueKind == JsonValueKind.Object) == true
            ? json.Deserialize(NetatmoReadingJson.Default.NetatmoReading)
            : null);

    /// <summary>The reading for <c>/debug/data</c>.</summary>
    public byte[] ToJson(bool location) => JsonSerializer.SerializeToUtf8Bytes(With(location), NetatmoReadingJson.Default.NetatmoReading);

    private NetatmoReading With(bool location) => location ? this : this with { Modules = [.. Modules.Select(m => m with { Place = null })] };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(NetatmoReading))]
internal sealed partial class NetatmoReadingJson : JsonSerializerContext;

/// <summary>A base station, a Home Coach, or a module of a station. A property is null if the response has no valid value for it.</summary>
internal sealed record Module
{
    /// <summary>The hardware address. It is unique only within a station: a module that moved is listed at both stations.</summary>
    public string? Id { get; init; }
    public string? Name { get; init; }

    /// <summary><c>base</c>, <c>outdoor</c>, <c>wind</c>, <c>rain</c>, <c>indoor</c>, <c>home_coach</c>, or an unknown type of Netatmo.</summary>
    public string? Kind { get; init; }
    public string? StationId { get; init; }

    /// <summary>Deprecated by Netatmo and empty for newer stations, where the home has the name.</summary>
    public string? Station { get; init; }
    public string? HomeId { get; init; }
    public string? Home { get; init; }
    public string? Firmware { get; init; }

    /// <summary>For a base, this can lag by hours.</summary>
    public bool? Reachable { get; init; }

    /// <summary>For a base, when it last sent data to Netatmo.</summary>
    public DateTimeOffset? LastSeen { get; init; }
    public double? BatteryPercent { get; init; }
    public double? BatteryVolts { get; init; }

    /// <summary>90 is the lowest, 60 the highest.</summary>
    public double? RadioSignal { get; init; }

    /// <summary>86 is bad, 56 good.</summary>
    public double? WifiSignal { get; init; }
    public bool? Co2Calibrating { get; init; }

    /// <summary>A station of another user that this user marked as a favourite.</summary>
    public bool Favourite { get; init; }

    /// <summary>A station of another user.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The location of the station; null for its modules.</summary>
    public Place? Place { get; init; }

    /// <summary>Null for an unreachable module.</summary>
    public Measurements? Measured { get; init; }

    /// <summary>The last known activity of the module, which decides whether its measurements are stale.</summary>
    public DateTimeOffset? AliveAt => Measured?.At ?? LastSeen;

    public static IEnumerable<Module> OfStation(JsonElement device)
    {
        var (name, stationName) = (device.Text("name"), device.Text("station_name"));
        // The one name of a Home Coach is in any of three members.
        var isHomeCoach = device.Text("type") == "NHC";
        var station = From(device) with
        {
            Name = device.Text("module_name") ?? (isHomeCoach ? name ?? stationName : null),
            StationId = device.Text("_id"),
            Station = stationName ?? (isHomeCoach ? name : null),
            HomeId = device.Text("home_id"),
            Home = device.Text("home_name"),
            Favourite = device.Flag("favorite") ?? false,
            ReadOnly = device.Flag("read_only") ?? false,
            Place = device.Object("place") is { } place ? Place.From(place) : null,
            LastSeen = Time(device.Number("last_status_store")) ?? Time(device.Number("last_seen")),
        };
        return (device.Objects("modules") ?? []).Select(module => From(module) with
        {
            StationId = station.StationId,
            Station = station.Station,
            HomeId = station.HomeId,
            Home = station.Home,
            Favourite = station.Favourite,
            ReadOnly = station.ReadOnly,
        }).Prepend(station);
    }

    /// <summary>Converts Unix seconds. 0 means never; values outside the calendar are null.</summary>
    public static DateTimeOffset? Time(double? seconds) =>
        seconds is > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds.Value * 1000)) : null;

    private static Module From(JsonElement module)
    {
        // A module that was never paired reports 255, 255 and 65535, and a full battery.
        var battery = module.Number("battery_vp");
        var hasBattery = battery is not >= 65535;
        return new Module
        {
            Id = module.Text("_id"),
            Name = module.Text("module_name"),
            Kind = module.Text("type") switch
            {
                "NAMain" => "base",
                "NAModule1" => "outdoor",
                "NAModule2" => "wind",
                "NAModule3" => "rain",
                "NAModule4" => "indoor",
                "NHC" => "home_coach",
                var other => other,
            },
            Firmware = Not255(module.Number("firmware"))?.ToString(CultureInfo.InvariantCulture),
            Reachable = module.Flag("reachable"),
            LastSeen = Time(module.Number("last_seen")),
            BatteryPercent = hasBattery ? module.Number("battery_percent") : null,
            BatteryVolts = hasBattery ? battery / 1000 : null,
            RadioSignal = Not255(module.Number("rf_status")),
            WifiSignal = Not255(module.Number("wifi_status")),
            Co2Calibrating = module.Flag("co2_calibrating"),
            Measured = module.Object("dashboard_data") is { } dashboard ? Measurements.From(dashboard) : null,
        };
    }

    private static double? Not255(double? value) => value == 255 ? null : value;
}

/// <summary>Degrees, east and north positive; metres above sea level.</summary>
internal sealed record Place(double? Longitude, double? Latitude, double? Altitude, string? City, string? Country, string? TimeZone)
{
    public static Place From(JsonElement place)
    {
        var location = place.Numbers("location");
        return new(
            location is [{ } longitude, ..] && Math.Abs(longitude) <= 180 ? longitude : null,
            location is [_, { } latitude, ..] && Math.Abs(latitude) <= 90 ? latitude : null,
            place.Number("altitude"), place.Text("city"), place.Text("country"), place.Text("timezone"));
    }
}

/// <summary>Celsius, percent, parts per million, decibels, millibar, millimetres, kilometres per hour and degrees.</summary>
internal sealed record Measurements
{
    public DateTimeOffset? At { get; init; }
    public double? Temperature { get; init; }

    /// <summary>Of the station's day so far. The serializer sets a property that the JSON does not have to null.</summary>
    public Extreme TemperatureLow { get => field ?? Extreme.None; init; }
    public Extreme TemperatureHigh { get => field ?? Extreme.None; init; }

    /// <summary>−1, 0 or 1: falling, stable, rising.</summary>
    public int? TemperatureTrend { get; init; }
    public double? Humidity { get; init; }
    public double? Co2 { get; init; }
    public double? Noise { get; init; }

    /// <summary>Corrected to sea level.</summary>
    public double? Pressure { get; init; }

    /// <summary>As measured.</summary>
    public double? AbsolutePressure { get; init; }
    public int? PressureTrend { get; init; }

    /// <summary>0 healthy, 1 fine, 2 fair, 3 poor, 4 unhealthy.</summary>
    public double? HealthIndex { get; init; }
    public double? Rain { get; init; }
    public double? RainLastHour { get; init; }
    public double? RainToday { get; init; }

    /// <summary>Over the last five minutes. The direction is −1 in calm air.</summary>
    public double? WindStrength { get; init; }
    public double? WindDirection { get; init; }
    public double? GustStrength { get; init; }

    /// <summary>Null in calm air.</summary>
    public double? GustDirection { get; init; }
    public Extreme WindHigh { get => field ?? Extreme.None; init; }
    public double? WindHighDirection { get; init; }

    public static Measurements From(JsonElement dashboard) => new()
    {
        At = Module.Time(dashboard.Number("time_utc")),
        Temperature = dashboard.Number("Temperature"),
        TemperatureLow = Extreme.From(dashboard, "min_temp"),
        TemperatureHigh = Extreme.From(dashboard, "max_temp"),
        TemperatureTrend = Trend(dashboard.Text("temp_trend")),
        Humidity = dashboard.Number("Humidity"),
        Co2 = dashboard.Number("CO2"),
        Noise = dashboard.Number("Noise"),
        Pressure = dashboard.Number("Pressure"),
        AbsolutePressure = dashboard.Number("AbsolutePressure"),
        PressureTrend = Trend(dashboard.Text("pressure_trend")),
        HealthIndex = dashboard.Number("health_idx"),
        Rain = dashboard.Number("Rain"),
        RainLastHour = dashboard.Number("sum_rain_1"),
        RainToday = dashboard.Number("sum_rain_24"),
        WindStrength = dashboard.Number("WindStrength"),
        WindDirection = dashboard.Number("WindAngle"),
        GustStrength = dashboard.Number("GustStrength"),
        GustDirection = Direction(dashboard.Number("GustAngle")),
        WindHigh = Extreme.From(dashboard, "max_wind_str"),
        WindHighDirection = Direction(dashboard.Number("max_wind_angle")),
    };

    private static int? Trend(string? trend) => trend switch
    {
        "up" => 1,
        "stable" => 0,
        "down" => -1,
        _ => null,
    };

    private static double? Direction(double? angle) => angle >= 0 ? angle : null;
}

/// <summary>The lowest or highest value of the day, and its time.</summary>
internal sealed record Extreme(double? Value, DateTimeOffset? At)
{
    public static readonly Extreme None = new(null, null);

    public static Extreme From(JsonElement dashboard, string name) => new(dashboard.Number(name), Module.Time(dashboard.Number($"date_{name}")));
}
