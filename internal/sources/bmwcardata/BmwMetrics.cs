using System.Globalization;
using Exporter.Metrics;

namespace Exporter.BmwCarData;

/// <param name="Names">What a car is called in its <c>vin</c> label, where that is not its number.</param>
/// <param name="Mappings">Metrics of keys that we do not know, from the user's file.</param>
internal sealed record BmwMetricsOptions(IReadOnlyDictionary<string, string> Names, IReadOnlyList<BmwMetric.Mapped> Mappings)
{
    public static BmwMetricsOptions Plain { get; } = new(new Dictionary<string, string>(), []);
}

/// <summary>
/// Reading in, families out, and nothing else. Known keys have a metric in base units; every key has its raw value in
/// <c>bmw_cardata_*</c>, so that nothing a car says is lost.
/// </summary>
internal static class BmwMetrics
{
    private const string Info = "bmw_vehicle_info";
    private const string Value = "bmw_cardata_value";
    private const string State = "bmw_cardata_state";
    private const string ValueTime = "bmw_cardata_value_timestamp_seconds";

    /// <summary>Every name that a user's file must leave alone, because it is no gauge.</summary>
    public static IReadOnlySet<string> Reserved { get; } = new HashSet<string>([Info, .. BmwVehicleMetrics.All.OfType<BmwMetric.States>().Select(m => m.Name)]);

    /// <summary>Every name and help there is, but those of a user's file.</summary>
    public static IReadOnlyList<(string Name, string Help)> Families { get; } =
    [
        (Info, "What the car is, as BMW's customer interface tells once a day."),
        .. BmwVehicleMetrics.All.Select(m => (m.Name, m.Help)),
        (Value, "The last number under a key of BMW's, in BMW's unit; 1 or 0 for what is true or not. A car sends when it is awake, and not on a scrape."),
        (State, "The last word under a key of BMW's."),
        (ValueTime, "When the car read what stands under a key of BMW's."),
    ];

    /// <summary>The families that have samples.</summary>
    public static IEnumerable<MetricFamily> From(BmwReading reading, BmwMetricsOptions options)
    {
        IReadOnlyList<BmwKnownCar> cars = [.. reading.Cars.Select(car => Known(car.Key, car.Value, options))];
        IEnumerable<MetricFamily> families =
        [
            MetricFamily.Info(Info, Help(Info), cars.Where(car => car.Car.Details is not null).Select(Details)),
            // A user's metric may add series to one of ours.
            .. BmwVehicleMetrics.All.Concat(options.Mappings).GroupBy(metric => metric.Name).Select(same => Joined([.. same.Select(metric => metric.Family(cars))])),
            MetricFamily.Gauge(Value, Help(Value), Raw(cars).SelectMany(RawNumber)),
            MetricFamily.Gauge(State, Help(State), Raw(cars).Where(one => one.Held.Value is BmwValue.Text(var text) && IsWord(text))
                .Select(one => new Sample(one.Labels.With("value", ((BmwValue.Text)one.Held.Value).Value), 1))),
            MetricFamily.Gauge(ValueTime, Help(ValueTime), Raw(cars).Select(one => new Sample(one.Labels, one.Held.At.ToUnixTimeMilliseconds() / 1000.0))),
        ];
        return families.Where(family => family.Samples.Count > 0);
    }

    private static MetricFamily Joined(IReadOnlyList<MetricFamily> families) =>
        families is [var only] ? only : MetricFamily.Gauge(families[0].Name, families[0].Help, families.SelectMany(family => family.Samples));

    /// <summary>The labels of a car's series.</summary>
    public static LabelSet Labels(string vin, BmwMetricsOptions options) => LabelSet.Of(("vin", options.Names.GetValueOrDefault(vin, vin)));

    private static string Help(string name) => Families.First(family => family.Name == name).Help;

    private static BmwKnownCar Known(string vin, BmwCar car, BmwMetricsOptions options)
    {
        // The last distance that came with its unit: altitude and the like follow no setting of the driver's.
        var unit = car.Values.Values.Where(held => BmwUnits.Fold(held.Unit) is "km" or "mi").MaxBy(held => held.At)?.Unit;
        return new BmwKnownCar(Labels(vin, options), car, car.Values.ToLookup(value => BmwKeys.Short(value.Key), value => value.Value), unit);
    }

    private static LabelSet Details(BmwKnownCar car) => new[]
    {
        ("brand", car.Car.Details!.Brand), ("model", car.Car.Details.Model), ("series", car.Car.Details.Series), ("drive_train", car.Car.Details.DriveTrain),
    }.Aggregate(car.Labels, (labels, label) => labels.With(label.Item1, label.Item2 ?? ""));

    private static IEnumerable<RawValue> Raw(IReadOnlyList<BmwKnownCar> cars) =>
        from car in cars from value in car.Car.Values select new RawValue(value.Value, car.Labels.With("key", value.Key));

    private static IEnumerable<Sample> RawNumber(RawValue one)
    {
        double? number = one.Held.Value switch
        {
            BmwValue.Number(var value) => value,
            BmwValue.Flag(var flag) => flag ? 1 : 0,
            _ => null,
        };
        return number is null ? [] : [new Sample(one.Labels.With("unit", BmwUnits.Fold(one.Held.Unit)), number.Value)];
    }

    /// <summary>Dates, XML and JSON would be a new series at each change, and tell no state.</summary>
    private static bool IsWord(string text) =>
        text[0] is not ('<' or '{' or '[') && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private sealed record RawValue(BmwHeld Held, LabelSet Labels);
}
