using System.Globalization;
using Exporter.Metrics;

namespace Exporter.BmwCarData;

/// <param name="Aliases">The value of the <c>vin</c> label by vehicle identification number; by default the number.</param>
/// <param name="CustomMetrics">The metrics of the user's mapping file.</param>
internal sealed record BmwMetricsOptions(IReadOnlyDictionary<string, string> Aliases, IReadOnlyList<BmwMetric.Custom> CustomMetrics);

/// <summary>
/// Converts a reading to metric families. Known keys have a metric in base units. Every key also has its raw value in
/// <c>bmw_cardata_*</c>.
/// </summary>
internal static class BmwMetrics
{
    private const string Info = "bmw_vehicle_info";
    private const string Value = "bmw_cardata_value";
    private const string State = "bmw_cardata_state";
    private const string ValueTime = "bmw_cardata_value_timestamp_seconds";

    /// <summary>Names that a mapping file cannot use, because these metrics are not gauges.</summary>
    public static IReadOnlySet<string> Reserved { get; } =
        new HashSet<string>([Info, .. BmwVehicleMetrics.All.OfType<BmwMetric.StateSet>().Select(m => m.Name)]);

    /// <summary>All families without those of a mapping file.</summary>
    public static IReadOnlyList<(string Name, string Help)> Families { get; } =
    [
        (Info, "Describes the car. The exporter reads it from BMW's CarData API once a day."),
        .. BmwVehicleMetrics.All.Select(m => (m.Name, m.Help)),
        (Value, "The last number of a key, in BMW's unit. A Boolean is 1 or 0. A car sends values only while it is awake."),
        (State, "The last text of a key."),
        (ValueTime, "When the car measured the last value of a key."),
    ];

    /// <summary>Returns the families that have samples.</summary>
    public static IEnumerable<MetricFamily> From(BmwReading reading, BmwMetricsOptions options)
    {
        var cars = reading.Cars.Select(car => Label(car.Key, car.Value, options)).ToList();
        List<(BmwLastValue Last, LabelSet Labels)> raw =
            [.. from car in cars from value in car.Car.Values select (value.Value, car.Labels.With("key", value.Key))];
        IEnumerable<MetricFamily> families =
        [
            MetricFamily.Info(Info, Help(Info), cars.Where(car => car.Car.Info is not null).Select(InfoLabels)),
            // A mapping file can add series to a built-in metric.
            .. BmwVehicleMetrics.All.Concat(options.CustomMetrics).GroupBy(m => m.Name).Select(same => Join([.. same.Select(m => m.Family(cars))])),
            MetricFamily.Gauge(Value, Help(Value), raw.SelectMany(one => RawNumber(one.Last, one.Labels))),
            MetricFamily.Gauge(State, Help(State), raw.SelectMany(one => one.Last.Value is BmwValue.Text(var text) && IsState(text)
                ? new[] { new Sample(one.Labels.With("value", text), 1) }
                : [])),
            MetricFamily.Gauge(ValueTime, Help(ValueTime), raw.Select(one => new Sample(one.Labels, one.Last.At.ToUnixTimeMilliseconds() / 1000.0))),
        ];
        return families.Where(family => family.Samples.Count > 0);
    }

    public static LabelSet Labels(string vin, BmwMetricsOptions options) => LabelSet.Of(("vin", options.Aliases.GetValueOrDefault(vin, vin)));

    private static MetricFamily Join(IReadOnlyList<MetricFamily> families) =>
        families is [var only] ? only : MetricFamily.Gauge(families[0].Name, families[0].Help, families.SelectMany(family => family.Samples));

    private static string Help(string name) => Families.First(family => family.Name == name).Help;

    private static LabelledCar Label(string vin, BmwCar car, BmwMetricsOptions options)
    {
        // Only km and mi: other lengths, such as the altitude, do not follow the car's setting.
        var unit = car.Values.Values.Where(last => BmwUnits.Normalize(last.Unit) is "km" or "mi").MaxBy(last => last.At)?.Unit;
        return new LabelledCar(Labels(vin, options), car, car.Values.ToLookup(value => BmwKeys.Short(value.Key), value => value.Value), unit);
    }

    private static LabelSet InfoLabels(LabelledCar car)
    {
        var info = car.Car.Info!;
        return car.Labels.With("brand", info.Brand ?? "").With("model", info.Model ?? "").With("series", info.Series ?? "")
            .With("drive_train", info.DriveTrain ?? "");
    }

    private static IEnumerable<Sample> RawNumber(BmwLastValue last, LabelSet labels)
    {
        double? number = last.Value switch
        {
            BmwValue.Number(var value) => value,
            BmwValue.Flag(var flag) => flag ? 1 : 0,
            _ => null,
        };
        return number is null ? [] : [new Sample(labels.With("unit", BmwUnits.Normalize(last.Unit)), number.Value)];
    }

    /// <summary>Excludes dates, XML and JSON, because each change would create a new series.</summary>
    private static bool IsState(string text) =>
        text[0] is not ('<' or '{' or '[') && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
