using System.Collections.Frozen;

namespace Exporter.BmwCarData;

/// <summary>Converts a reading to cards, one for each car. The lines have one value for each quantity, and the details have all others.</summary>
internal static class BmwPresentation
{
    private const string ChargingPower = "Charging power";

    /// <summary>What matters most, in this order.</summary>
    private static readonly Headline[] Headlines =
    [
        new("Charge", "bmw_vehicle_battery_charge_ratio", "displayed", "header", "charging_level") { IsNewest = true, IsPlotted = true },
        // The estimates differ, so the first one stays the first.
        new("Range", "bmw_vehicle_range_meters", "electric_displayed", "electric", "total", "last", "navigation") { IsPlotted = true },
        new("Odometer", "bmw_vehicle_odometer_meters", "") { IsPlotted = true },
        new("Charging", "bmw_vehicle_charging_state", "status", "hv_status") { IsNewest = true },
        new(ChargingPower, "bmw_vehicle_charging_power_watts", "") { IsPlotted = true },
        new("Plugged in", "bmw_vehicle_plugged_in") { IsNewest = true },
        new("Doors locked", "bmw_vehicle_locked", "doors_overall", "doors") { IsNewest = true },
        new("Fuel level", "bmw_vehicle_fuel_level_ratio", "") { IsPlotted = true },
        new("Fuel", "bmw_vehicle_fuel_remaining_liters", ""),
    ];

    /// <summary>Details that are plotted.</summary>
    private static readonly FrozenSet<string> Plotted =
    [
        "bmw_vehicle_charging_power_watts", "bmw_vehicle_coolant_temperature_celsius", "bmw_vehicle_tire_pressure_pascals",
        "bmw_vehicle_tire_temperature_celsius",
    ];

    public static Presentation Of(BmwReading reading, BmwStreamState stream, BmwCarDataOptions options)
    {
        var cars = BmwMetrics.Cars(reading, options);
        if (cars.Count == 0)
        {
            return new(new ReadingCard("Stream", StreamState(stream)) { Details = [.. StreamFailure(stream)] });
        }
        var titles = CardTitles.Choose([.. cars.Select(car => Titles(car, options))]);
        return new([.. cars.Zip(titles, (car, title) => Card(car, title, stream, options))]);
    }

    private static ReadingCard Card(LabelledCar car, string title, BmwStreamState stream, BmwCarDataOptions options)
    {
        var values = BmwVehicleMetrics.All.Concat(options.CustomMetrics).SelectMany(metric => metric.Present(car)).ToList();
        var chosen = Headlines.Select(headline => (Headline: headline, Value: headline.Choose(values))).Where(one => one.Value is not null).ToList();
        var used = chosen.Select(one => one.Value).ToHashSet();
        ReadingLine?[] times =
        [
            ReadingLine.Time("Updated", car.Car.Values.Values.Select(value => (DateTimeOffset?)value.At).Max()),
            ReadingLine.Time("Last message", car.Car.LastMessage),
        ];
        string?[] subtitles = options.Aliases.ContainsKey(car.Vin) ? [car.Car.Info?.Model] : [car.Vin];
        return new ReadingCard(title, [.. chosen.Select(one => one.Headline.Line(one.Value!)), StreamState(stream)])
        {
            Subtitle = subtitles.FirstOrDefault(text => !string.IsNullOrWhiteSpace(text) && text != title),
            Details =
            [
                .. times.OfType<ReadingLine>(),
                // A mapping file can repeat a label.
                .. values.Where(value => !used.Contains(value)).DistinctBy(value => value.Label)
                    .Select(value => value.ToLine(value.Label, Plotted.Contains(value.Metric.Name))),
                .. StreamFailure(stream),
            ],
        };
    }

    /// <summary>The car's alias, otherwise the name of its model, with the end of the VIN if another car has the same name.</summary>
    private static IReadOnlyList<string> Titles(LabelledCar car, BmwCarDataOptions options) =>
        options.Aliases.TryGetValue(car.Vin, out var alias) ? [alias]
        : car.Car.Info?.Model is { } model && !string.IsNullOrWhiteSpace(model)
            ? [model, $"{model}, {car.Vin[^Math.Min(7, car.Vin.Length)..]}", $"{model}, {car.Vin}"]
            : [car.Vin];

    private static ReadingLine StreamState(BmwStreamState stream) => new("Stream", new ReadingValue.Text(stream switch
    {
        { Connected: true } => "connected",
        { Failure: null } => "connecting",
        _ => "disconnected",
    }));

    private static IEnumerable<ReadingLine> StreamFailure(BmwStreamState stream) => new[]
    {
        ReadingLine.Text("Reason for the disconnected stream", stream.Connected ? null : stream.Failure?.Reason),
        ReadingLine.Time("Next attempt to connect", stream.Connected ? null : stream.NextTry),
    }.OfType<ReadingLine>();

    /// <summary>A line with one of a metric's values.</summary>
    /// <param name="Metric">The name of the metric.</param>
    /// <param name="Series">The series in order of preference; empty for all.</param>
    private sealed record Headline(string Label, string Metric, params string[] Series)
    {
        /// <summary>Whether the newest of the series counts. A car can stop sending one of them.</summary>
        public bool IsNewest { get; init; }
        public bool IsPlotted { get; init; }

        public ShownValue? Choose(IReadOnlyList<ShownValue> values)
        {
            var found = values.Where(value => value.Metric.Name == Metric && (Series.Length == 0 || Series.Contains(value.Series)))
                .OrderBy(value => Array.IndexOf(Series, value.Series));
            var chosen = IsNewest ? found.MaxBy(value => value.At) : found.FirstOrDefault();
            // Without charging, the power is a detail.
            return Label == ChargingPower && chosen?.Value is ReadingValue.Number { Value: 0 } ? null : chosen;
        }

        public ReadingLine Line(ShownValue value) => value.ToLine(Label, IsPlotted);
    }
}
