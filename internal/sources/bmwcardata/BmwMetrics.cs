using System.Globalization;

namespace Exporter.BmwCarData;

/// <summary>
/// Converts a reading to metric families. Known keys have a metric in base units. Every key also has its raw value in
/// <c>bmw_cardata_*</c>.
/// </summary>
internal static class BmwMetrics
{
    /// <summary>Returns the families that have samples.</summary>
    public static IEnumerable<MetricFamily> From(BmwReading reading, BmwCarDataOptions options)
    {
        var cars = Cars(reading, options);
        var keys = cars.SelectMany(car => car.Values.Select(values => values.Key)).ToHashSet(StringComparer.Ordinal);
        // A car sends a part of the catalogue. A mapping file can add series to a built-in metric.
        var sent = BmwVehicleMetrics.All.Concat(options.CustomMetrics).GroupBy(metric => metric.Name)
            .Where(same => same.Any(metric => metric.Keys.Any(series => keys.Contains(series.Key))));
        List<(BmwLastValue Last, LabelSet Labels)> raw =
            [.. from car in cars from value in car.Car.Values select (value.Value, car.Labels.With("key", value.Key))];
        IEnumerable<MetricFamily> families =
        [
            MetricFamily.Info("bmw_vehicle_info", "Describes the car. The exporter reads it from BMW's CarData API once a day.",
                cars.Where(car => car.Car.Info is not null).Select(InfoLabels)),
            .. sent.Select(same => Join([.. same.Select(metric => metric.Family(cars))])),
            MetricFamily.Gauge("bmw_cardata_value",
                "The last number of a key, in BMW's unit. A Boolean is 1 or 0. A car sends values only while it is awake.",
                from one in raw
                let number = one.Last.Value.ToNumber()
                where number is not null
                select new Sample(one.Labels.With("unit", BmwUnits.Normalize(one.Last.Unit)), number.Value)),
            MetricFamily.Gauge("bmw_cardata_state", "The last text of a key.",
                from one in raw
                let state = StateOf(one.Last.Value)
                where state.Length > 0
                select new Sample(one.Labels.With("value", state), 1)),
            MetricFamily.Gauge("bmw_cardata_value_timestamp_seconds", "When the car measured the last value of a key.",
                raw.Select(one => new Sample(one.Labels, one.Last.At.ToUnixTimeMilliseconds() / 1000.0))),
        ];
        return families.Where(family => family.Samples.Count > 0);
    }

    public static IReadOnlyList<LabelledCar> Cars(BmwReading reading, BmwCarDataOptions options) =>
        [.. reading.Cars.Select(car => Label(car.Key, car.Value, options))];

    public static LabelSet Labels(string vin, BmwCarDataOptions options) => LabelSet.Of(("vin", options.Aliases.GetValueOrDefault(vin, vin)));

    private static MetricFamily Join(IReadOnlyList<MetricFamily> families) =>
        families is [var only] ? only : MetricFamily.Gauge(families[0].Name, families[0].Help, families.SelectMany(family => family.Samples));

    private static LabelledCar Label(string vin, BmwCar car, BmwCarDataOptions options)
    {
        // Only km and mi: other lengths, such as the altitude, do not follow the car's setting.
        var unit = car.Values.Values.Where(last => BmwUnits.Normalize(last.Unit) is "km" or "mi").MaxBy(last => last.At)?.Unit;
        return new LabelledCar(vin, Labels(vin, options), car, car.Values.ToLookup(value => BmwKeys.Short(value.Key), value => value.Value), unit);
    }

    private static LabelSet InfoLabels(LabelledCar car)
    {
        var info = car.Car.Info!;
        return car.Labels.With("brand", info.Brand ?? "").With("model", info.Model ?? "").With("series", info.Series ?? "")
            .With("drive_train", info.DriveTrain ?? "");
    }

    /// <summary>Empty for dates, XML and JSON, because each change would create a new series.</summary>
    private static string StateOf(BmwValue value) => value is BmwValue.Text(var text) && text[0] is not ('<' or '{' or '[')
        && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? text : "";
}
