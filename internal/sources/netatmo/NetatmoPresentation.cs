using System.Globalization;

namespace Exporter.Netatmo;

/// <summary>Converts a reading to cards, one for each module. Like the metrics, it omits measurements that are stale.</summary>
internal static class NetatmoPresentation
{
    private static readonly string[] Winds =
        ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];

    /// <summary>What a module is called if other modules have the same name, shortest first.</summary>
    private static readonly Func<Module, string?>[] Titles =
    [
        Name,
        module => module.Home is { } home ? $"{Name(module)}, {home}" : null,
        module => module.Station is { } station ? $"{Name(module)}, {station}" : null,
        module => module.Id is { } id ? $"{Name(module)}, {id}" : null,
    ];

    public static Presentation Of(NetatmoReading reading, NetatmoMetricsOptions options, DateTimeOffset now)
    {
        var titles = CardTitles.Choose([.. reading.Modules.Select(module => Titles.Select(title => title(module)).OfType<string>().ToList())]);
        return new([.. reading.Modules.Zip(titles, (module, title) => Card(module, title, reading.Stations > 1, options, now))]);
    }

    private static ReadingCard Card(Module module, string title, bool hasOthers, NetatmoMetricsOptions options, DateTimeOffset now)
    {
        var measured = NetatmoMetrics.IsFresh(module, options, now) ? module.Measured : null;
        string?[] parts = [Kind(module), hasOthers ? module.Home ?? module.Station : null];
        var subtitle = string.Join(", ", parts.Where(part => !string.IsNullOrWhiteSpace(part) && part != title));
        ReadingLine?[] lines = [.. measured is null ? [Absence(module)] : Measured(measured), LowBattery(module)];
        ReadingLine?[] details =
        [
            .. measured is null ? [] : MeasuredToday(measured, module),
            ReadingLine.Time("Updated", module.Measured?.At),
            ReadingLine.Time("Last contact", module.LastSeen),
            LowBattery(module) is null ? ReadingLine.Number("Battery", module.BatteryPercent, "%") : null,
            ReadingLine.Number("Battery voltage", module.BatteryVolts, "V", 2),
            ReadingLine.Text("Wi-Fi signal", Signal(module.WifiSignal, 71, 86, "good", "average", "bad")),
            ReadingLine.Text("Radio signal", Signal(module.RadioSignal, 76, 90, "high", "medium", "low")),
            ReadingLine.Text("Firmware", module.Firmware),
            .. options.Location && module.Place is { } place ? Location(place) : [],
        ];
        var shown = lines.Select(line => line?.Value).Where(value => value is ReadingValue.Time).ToHashSet();
        return new ReadingCard(title, [.. lines.OfType<ReadingLine>()])
        {
            Subtitle = subtitle.Length > 0 && subtitle != title ? subtitle : null,
            // A line may show the time already, as that since which there is no measurement.
            Details = [.. details.OfType<ReadingLine>().Where(detail => !shown.Contains(detail.Value))],
        };
    }

    /// <summary>Why there are no measurements.</summary>
    private static ReadingLine Absence(Module module) => module switch
    {
        { Reachable: false } => ReadingLine.Time("Not reachable since", module.LastSeen ?? module.Measured?.At)
            ?? new("Reachable", new ReadingValue.Flag(false)),
        _ => ReadingLine.Time("No measurement since", module.AliveAt) ?? new("Measurements", new ReadingValue.Text("none")),
    };

    private static ReadingLine?[] Measured(Measurements now)
    {
        ReadingLine?[] lines =
        [
            ReadingLine.Number("Temperature", now.Temperature, "°C", 1, isPlotted: true),
            ReadingLine.Number("Humidity", now.Humidity, "%", isPlotted: true),
            ReadingLine.Number("CO₂", now.Co2, "ppm", isPlotted: true),
            ReadingLine.Text("Air quality", now.HealthIndex switch
            {
                0 => "healthy",
                1 => "fine",
                2 => "fair",
                3 => "poor",
                4 => "unhealthy",
                _ => null,
            }),
            ReadingLine.Number("Noise", now.Noise, "dB", isPlotted: true),
            ReadingLine.Number("Pressure", now.Pressure, "hPa", 1, isPlotted: true),
            ReadingLine.Number("Wind", now.WindStrength, "km/h", isPlotted: true),
            ReadingLine.Text("Wind direction", Direction(now.WindDirection, now.WindStrength)),
            ReadingLine.Number("Gusts", now.GustStrength, "km/h", isPlotted: true),
            ReadingLine.Text("Gust direction", Direction(now.GustDirection, now.GustStrength)),
            ReadingLine.Number("Rain", now.Rain, "mm", 1, isPlotted: true),
            ReadingLine.Number("Rain in the last hour", now.RainLastHour, "mm", 1),
            ReadingLine.Number("Rain today", now.RainToday, "mm", 1, isPlotted: true),
        ];
        return lines.Any(line => line is not null) ? lines : [new("Measurements", new ReadingValue.Text("none"))];
    }

    private static ReadingLine?[] MeasuredToday(Measurements today, Module module) =>
    [
        ReadingLine.Text("Temperature trend", Trend(today.TemperatureTrend)),
        ReadingLine.Number("Lowest temperature today", today.TemperatureLow.Value, "°C", 1),
        ReadingLine.Time("Time of the lowest temperature", today.TemperatureLow.At),
        ReadingLine.Number("Highest temperature today", today.TemperatureHigh.Value, "°C", 1),
        ReadingLine.Time("Time of the highest temperature", today.TemperatureHigh.At),
        ReadingLine.Text("Pressure trend", Trend(today.PressureTrend)),
        ReadingLine.Number("Pressure without correction to sea level", today.AbsolutePressure, "hPa", 1),
        ReadingLine.Number("Strongest wind today", today.WindHigh.Value, "km/h"),
        ReadingLine.Text("Direction of the strongest wind", Direction(today.WindHighDirection, today.WindHigh.Value)),
        ReadingLine.Time("Time of the strongest wind", today.WindHigh.At),
        module.Co2Calibrating == true ? ReadingLine.Flag("CO₂ sensor calibrating", true) : null,
    ];

    private static ReadingLine?[] Location(Place place) =>
    [
        ReadingLine.Text("City", place.City),
        ReadingLine.Text("Country", place.Country),
        ReadingLine.Text("Time zone", place.TimeZone),
        ReadingLine.Number("Latitude", place.Latitude, "°", 4),
        ReadingLine.Number("Longitude", place.Longitude, "°", 4),
        ReadingLine.Number("Altitude", place.Altitude, "m"),
    ];

    // Netatmo calls 10 % low.
    private static ReadingLine? LowBattery(Module module) =>
        module.BatteryPercent <= 10 ? ReadingLine.Number("Low battery", module.BatteryPercent, "%") : null;

    /// <summary>Netatmo's words and values: a lower value is better.</summary>
    private static string? Signal(double? value, double medium, double low, string best, string middle, string worst) => value is { } known
        ? string.Create(CultureInfo.InvariantCulture, $"{(known >= low ? worst : known >= medium ? middle : best)} ({known:0})")
        : null;

    private static string? Trend(int? trend) => trend switch
    {
        -1 => "falling",
        0 => "stable",
        1 => "rising",
        _ => null,
    };

    /// <summary>Null in calm air.</summary>
    private static string? Direction(double? angle, double? strength) => angle is >= 0 and <= 360 && strength is not 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Winds[(int)Math.Round(angle.Value / 22.5) % Winds.Length]} ({angle:0}°)")
        : null;

    private static string? Kind(Module module) => module.Kind switch
    {
        "base" => "Weather station",
        "outdoor" => "Outdoor module",
        "wind" => "Wind gauge",
        "rain" => "Rain gauge",
        "indoor" => "Indoor module",
        "home_coach" => "Home Coach",
        var other => other,
    };

    private static string Name(Module module) =>
        new[] { module.Name, Kind(module) }.FirstOrDefault(name => !string.IsNullOrWhiteSpace(name)) ?? "Module";
}
