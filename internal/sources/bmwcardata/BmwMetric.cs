using Exporter.Metrics;

namespace Exporter.BmwCarData;

/// <summary>A key that a metric is made of, by its short name, and the labels that tell its series from the metric's others.</summary>
internal sealed record KeySeries(string Key, params IReadOnlyList<(string Name, string Value)> Labels);

/// <summary>How a metric of the car is made of its keys.</summary>
internal abstract record BmwMetric(string Name, string Help, IReadOnlyList<KeySeries> Keys)
{
    /// <summary>A number in a base unit.</summary>
    /// <param name="Assumed">The unit where none was ever told; null: then there is no value, for it could be any.</param>
    public sealed record Measure(string Name, string Help, Quantity Quantity, string? Assumed, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        /// <param name="unit">The unit of the car's other distances: they follow one setting of the driver's.</param>
        public double? Of(BmwHeld held, string? unit) => held.Value is BmwValue.Number(var number)
            ? BmwUnits.ToBase(number, held.Unit ?? Assumed ?? (Quantity == Quantity.Meters ? unit : null), Quantity)
            : null;
    }

    /// <summary>1 or 0.</summary>
    public sealed record Truth(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        public static double? Of(BmwHeld held) => held.Value switch
        {
            BmwValue.Flag(var flag) => flag ? 1 : 0,
            BmwValue.Number(var number) when number is 0 or 1 => number,
            BmwValue.Text(var word) => Of(word.ToUpperInvariant()),
            _ => null,
        };

        private static double? Of(string word) => word switch
        {
            "OPEN" or "INTERMEDIATE" or "CONNECTED" or "CHOSEN" or "LOCKED" or "SECURED" or "ON" or "YES" or "ACTIVE" => 1,
            "CLOSED" or "DISCONNECTED" or "NOTCHOSEN" or "UNLOCKED" or "OFF" or "NO" or "INACTIVE" => 0,
            // Not all doors are locked.
            "SELECTIVELOCKED" or "SELECTIVE_LOCKED" or "SELECTIVEUNLOCKED" or "PARTIALLY_LOCKED" => 0,
            _ when word.EndsWith("_ACTIVE", StringComparison.Ordinal) || word.EndsWith("_LOCKED", StringComparison.Ordinal) => 1,
            _ when word.EndsWith("_INACTIVE", StringComparison.Ordinal) || word.EndsWith("_UNLOCKED", StringComparison.Ordinal) => 0,
            _ => null,
        };
    }

    /// <summary>How many phases: <c>3-PHASES</c>, <c>NO_CHARGING</c>, or a number.</summary>
    public sealed record Phases(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        public static double? Of(BmwHeld held) => held.Value switch
        {
            BmwValue.Number(var number) => number,
            BmwValue.Text("NO_CHARGING" or "NOCHARGING") => 0,
            BmwValue.Text([>= '0' and <= '9' and var digit, '-', ..]) => digit - '0',
            _ => null,
        };
    }

    /// <summary>One of some words: a series for each, of which the current one is 1. A word that we do not know becomes one of them.</summary>
    public sealed record States(string Name, string Help, IReadOnlyList<string> Known, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        public static string? Of(BmwHeld held) => held.Value switch
        {
            BmwValue.Text(var word) => word.ToLowerInvariant(),
            BmwValue.Flag(var flag) => flag ? "true" : "false",
            _ => null,
        };
    }

    /// <summary>What a user's file makes of a key that we do not know.</summary>
    /// <param name="Values">What words mean; empty: the value has to be a number or a truth.</param>
    public sealed record Mapped(string Name, string Help, double Scale, IReadOnlyDictionary<string, double> Values, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Help, Keys)
    {
        public double? Of(BmwHeld held) => held.Value switch
        {
            BmwValue.Text(var word) => Values.TryGetValue(word, out var value) ? value : null,
            BmwValue.Number(var number) => number * Scale,
            BmwValue.Flag(var flag) => flag ? 1 : 0,
            _ => null,
        };
    }

    /// <summary>The metric's family over all cars; of two keys with the same labels, the one that was read last.</summary>
    public MetricFamily Family(IReadOnlyList<BmwKnownCar> cars) => this switch
    {
        States states => StateFamily(states, cars),
        Measure measure => Gauges(cars, measure.Of),
        Truth => Gauges(cars, (held, _) => Truth.Of(held)),
        Phases => Gauges(cars, (held, _) => Phases.Of(held)),
        Mapped mapped => Gauges(cars, (held, _) => mapped.Of(held)),
        _ => throw new InvalidOperationException("a metric is made in no other way"),
    };

    private MetricFamily Gauges(IReadOnlyList<BmwKnownCar> cars, Func<BmwHeld, string?, double?> value) => MetricFamily.Gauge(Name, Help,
        from one in Said(cars)
        let number = value(one.Held, one.Car.DistanceUnit)
        where number is not null
        select new Sample(one.Labels, number.Value));

    private static MetricFamily StateFamily(States states, IReadOnlyList<BmwKnownCar> cars)
    {
        var current = states.Said(cars).Select(one => new { one.Labels, State = States.Of(one.Held)! }).Where(one => one.State is not null).DistinctBy(one => one.Labels).ToList();
        return MetricFamily.StateSet(states.Name, states.Help, "state", current.Select(one => new StateSample(one.Labels, one.State)), [.. states.Known.Union(current.Select(one => one.State))]);
    }

    /// <summary>Newest first, because a family keeps the first of two samples with the same labels.</summary>
    private IEnumerable<Saying> Said(IReadOnlyList<BmwKnownCar> cars) =>
        (from car in cars
         from series in Keys
         from held in car.Values[series.Key]
         select new Saying(car, held, series.Labels.Aggregate(car.Labels, (labels, label) => labels.With(label.Name, label.Value)))).OrderByDescending(one => one.Held.At);

    private sealed record Saying(BmwKnownCar Car, BmwHeld Held, LabelSet Labels);
}

/// <summary>A car as the metrics see it.</summary>
/// <param name="Labels">The car's name.</param>
/// <param name="Values">By the keys' short names; two keys may have the same.</param>
/// <param name="DistanceUnit">What its distances are told in, as far as one of them says it.</param>
internal sealed record BmwKnownCar(LabelSet Labels, BmwCar Car, ILookup<string, BmwHeld> Values, string? DistanceUnit);
