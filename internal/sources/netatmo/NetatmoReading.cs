using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Netatmo;

/// <summary>What Netatmo last said of an account's stations and Home Coaches. Immutable; a station is its modules, the base being one.</summary>
/// <param name="ServerTime">Netatmo's clock when it answered.</param>
internal sealed record NetatmoReading(DateTimeOffset? ServerTime, IReadOnlyList<Module> Modules)
{
    /// <summary>Puts answers of one poll together. A module that is listed twice in a station, or by two answers, is taken once.</summary>
    public static NetatmoReading From(params IReadOnlyList<StationsData> answers) => new(
        answers.Max(a => Module.Time(a.ServerTime)),
        [.. answers.SelectMany(a => a.Devices).SelectMany(Module.OfStation).DistinctBy(m => m.Id is null ? (object)m : (m.StationId, m.Id))]);

    /// <summary>The reading as a person can read it; where the stations stand only when that was asked for.</summary>
    public byte[] ToJson(bool location) => JsonSerializer.SerializeToUtf8Bytes(
        location ? this : this with { Modules = [.. Modules.Select(m => m with { Place = null })] }, NetatmoReadingJson.Default.NetatmoReading);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(NetatmoReading))]
internal sealed partial class NetatmoReadingJson : JsonSerializerContext;

/// <summary>A base station, a Home Coach, or a module of a station. Null is what the answer did not say, or said in a way that means nothing.</summary>
internal sealed record Module
{
    /// <summary>The hardware address. It is unique within a station, not beyond: a module that moved is listed at both.</summary>
    public string? Id { get; init; }

    public string? Name { get; init; }

    /// <summary><c>base</c>, <c>outdoor</c>, <c>wind</c>, <c>rain</c>, <c>indoor</c>, <c>home_coach</c>, or Netatmo's word for one we do not know.</summary>
    public string? Kind { get; init; }

    public string? StationId { get; init; }

    /// <summary>Deprecated by Netatmo, and empty for newer stations: there the home has the name.</summary>
    public string? Station { get; init; }

    public string? HomeId { get; init; }

    public string? Home { get; init; }

    public string? Firmware { get; init; }

    /// <summary>As the provider sees it, which may be hours late for a base.</summary>
    public bool? Reachable { get; init; }

    /// <summary>For a base, when it last stored something in the provider.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    public double? BatteryPercent { get; init; }

    public double? BatteryVolts { get; init; }

    /// <summary>90 is the lowest, 60 the highest.</summary>
    public double? RadioSignal { get; init; }

    /// <summary>86 is bad, 56 good.</summary>
    public double? WifiSignal { get; init; }

    public bool? Co2Calibrating { get; init; }

    /// <summary>A station of somebody else that the user has marked.</summary>
    public bool Favourite { get; init; }

    /// <summary>A station of somebody else.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Where the station stands; its modules have none.</summary>
    public Place? Place { get; init; }

    /// <summary>An unreachable module has none.</summary>
    public Measurements? Measured { get; init; }

    /// <summary>When the module last gave a sign of life, as far as the answer tells: it decides whether the measurements are stale.</summary>
    public DateTimeOffset? AliveAt => Measured?.At ?? LastSeen;

    internal static IEnumerable<Module> OfStation(WireModule device)
    {
        var station = From(device) with
        {
            StationId = device.Id,
            Station = device.StationName,
            HomeId = device.HomeId,
            Home = device.HomeName,
            Favourite = device.Favorite ?? false,
            ReadOnly = device.ReadOnly ?? false,
            Place = device.Place is { } place ? Place.From(place) : null,
            LastSeen = Time(device.LastStatusStore) ?? Time(device.LastSeen),
        };
        // A Home Coach has one name, and it stands in any of three members.
        if (device.Type == "NHC")
        {
            station = station with
            {
                Name = device.ModuleName ?? device.Name ?? device.StationName,
                Station = device.StationName ?? device.Name,
            };
        }
        yield return station;
        foreach (var module in device.Modules ?? [])
        {
            yield return From(module) with
            {
                StationId = station.StationId,
                Station = station.Station,
                HomeId = station.HomeId,
                Home = station.Home,
                Favourite = station.Favourite,
                ReadOnly = station.ReadOnly,
            };
        }
    }

    /// <summary>Unix seconds; 0 stands for never, and what no calendar has is no time.</summary>
    internal static DateTimeOffset? Time(double? seconds) =>
        seconds is > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds.Value * 1000)) : null;

    private static Module From(WireModule module)
    {
        // A module that was never paired says 255, 255 and 65535, and is sure of a full battery.
        var battery = module.BatteryVp is not >= 65535;
        return new Module
        {
            Id = module.Id,
            Name = module.ModuleName,
            Kind = module.Type switch
            {
                "NAMain" => "base",
                "NAModule1" => "outdoor",
                "NAModule2" => "wind",
                "NAModule3" => "rain",
                "NAModule4" => "indoor",
                "NHC" => "home_coach",
                var other => other,
            },
            Firmware = Signal(module.Firmware)?.ToString(CultureInfo.InvariantCulture),
            Reachable = module.Reachable,
            LastSeen = Time(module.LastSeen),
            BatteryPercent = battery ? module.BatteryPercent : null,
            BatteryVolts = battery ? module.BatteryVp / 1000 : null,
            RadioSignal = Signal(module.RfStatus),
            WifiSignal = Signal(module.WifiStatus),
            Co2Calibrating = module.Co2Calibrating,
            Measured = module.DashboardData is { } dashboard ? Measurements.From(dashboard) : null,
        };
    }

    private static double? Signal(double? value) => value == 255 ? null : value;
}

/// <summary>Degrees, east and north positive; metres above the sea.</summary>
internal sealed record Place(double? Longitude, double? Latitude, double? Altitude, string? City, string? Country, string? TimeZone)
{
    internal static Place From(WirePlace place) => new(
        place.Location is [{ } longitude, ..] && Math.Abs(longitude) <= 180 ? longitude : null,
        place.Location is [_, { } latitude, ..] && Math.Abs(latitude) <= 90 ? latitude : null,
        place.Altitude, place.City, place.Country, place.Timezone);
}

/// <summary>Celsius, percent, parts per million, decibels, millibar, millimetres, kilometres per hour and degrees.</summary>
internal sealed record Measurements
{
    public DateTimeOffset? At { get; init; }

    public double? Temperature { get; init; }

    /// <summary>Of the station's day so far.</summary>
    public Extreme TemperatureLow { get; init; } = Extreme.None;

    public Extreme TemperatureHigh { get; init; } = Extreme.None;

    /// <summary>−1, 0 or 1: falling, stable, rising.</summary>
    public int? TemperatureTrend { get; init; }

    public double? Humidity { get; init; }

    public double? Co2 { get; init; }

    public double? Noise { get; init; }

    /// <summary>As it would be at sea level.</summary>
    public double? Pressure { get; init; }

    /// <summary>As measured.</summary>
    public double? AbsolutePressure { get; init; }

    public int? PressureTrend { get; init; }

    /// <summary>0 healthy, 1 fine, 2 fair, 3 poor, 4 unhealthy.</summary>
    public double? HealthIndex { get; init; }

    public double? Rain { get; init; }

    public double? RainLastHour { get; init; }

    public double? RainToday { get; init; }

    /// <summary>Over the last five minutes. The direction is −1 in a calm.</summary>
    public double? WindStrength { get; init; }

    public double? WindDirection { get; init; }

    public double? GustStrength { get; init; }

    /// <summary>Null in a calm.</summary>
    public double? GustDirection { get; init; }

    public Extreme WindHigh { get; init; } = Extreme.None;

    public double? WindHighDirection { get; init; }

    internal static Measurements From(WireDashboard dashboard) => new()
    {
        At = Module.Time(dashboard.TimeUtc),
        Temperature = dashboard.Temperature,
        TemperatureLow = new(dashboard.MinTemp, Module.Time(dashboard.DateMinTemp)),
        TemperatureHigh = new(dashboard.MaxTemp, Module.Time(dashboard.DateMaxTemp)),
        TemperatureTrend = Trend(dashboard.TempTrend),
        Humidity = dashboard.Humidity,
        Co2 = dashboard.Co2,
        Noise = dashboard.Noise,
        Pressure = dashboard.Pressure,
        AbsolutePressure = dashboard.AbsolutePressure,
        PressureTrend = Trend(dashboard.PressureTrend),
        HealthIndex = dashboard.HealthIdx,
        Rain = dashboard.Rain,
        RainLastHour = dashboard.RainLastHour,
        RainToday = dashboard.RainToday,
        WindStrength = dashboard.WindStrength,
        WindDirection = dashboard.WindAngle,
        GustStrength = dashboard.GustStrength,
        GustDirection = Direction(dashboard.GustAngle),
        WindHigh = new(dashboard.MaxWindStr, Module.Time(dashboard.DateMaxWindStr)),
        WindHighDirection = Direction(dashboard.MaxWindAngle),
    };

    private static int? Trend(string? word) => word switch
    {
        "up" => 1,
        "stable" => 0,
        "down" => -1,
        _ => null,
    };

    private static double? Direction(double? angle) => angle >= 0 ? angle : null;
}

/// <summary>The day's lowest or highest, and when it was.</summary>
internal sealed record Extreme(double? Value, DateTimeOffset? At)
{
    public static readonly Extreme None = new(null, null);
}
