namespace Exporter.BmwCarData;

/// <summary>A key that is the source of a metric, by its short name, and the labels of its series.</summary>
internal sealed record KeySeries(string Key, params IReadOnlyList<(string Name, string Value)> Labels)
{
    /// <summary>The unit if the car never sent one, for a metric whose keys have different units.</summary>
    public string? Unit { get; init; }

    public static implicit operator KeySeries(string key) => new(key);
}

/// <summary>Converts keys of a car to a metric.</summary>
internal abstract record BmwMetric(string Name, string Help, IReadOnlyList<KeySeries> Keys)
{
    /// <summary>A number in a base unit.</summary>
    /// <param name="Assumed">The unit if the car never sent one; null if that could be any unit, so that there is no value.</param>
    public sealed record Measurement(string Name, string Help, Quantity Quantity, string? Assumed, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Help, Keys)
    {
        // A distance without a unit has that of the car's other distances, which follow one setting of the car.
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value is BmwValue.Number(var number)
            ? BmwUnits.ToBase(number, last.Unit ?? Assumed ?? (Quantity == Quantity.Meters ? car.DistanceUnit : null), Quantity)
            : null;
    }

    /// <summary>1 or 0.</summary>
    public sealed record Flag(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        /// <summary>The words for 1 and 0 of a key whose words mean something else, as states.</summary>
        public IReadOnlyDictionary<string, bool> Words { get; init; } = new Dictionary<string, bool>();

        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value switch
        {
            BmwValue.Text(var text) => Words.TryGetValue(BmwWords.ToState(text), out var word) ? word ? 1 : 0 : BmwWords.ToBoolean(text),
            var other => other.ToNumber() is (0 or 1) and var number ? number : null,
        };
    }

    /// <summary>The number of phases: <c>3-PHASES</c>, <c>NO_CHARGING</c>, or a number.</summary>
    public sealed record Phases(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value switch
        {
            BmwValue.Number(var number) => number,
            BmwValue.Text("NO_CHARGING" or "NOCHARGING") => 0,
            BmwValue.Text([>= '0' and <= '9' and var digit, '-', ..]) => digit - '0',
            _ => null,
        };
    }

    /// <summary>An enumeration: one series for each state, of which the current one is 1. An unknown state adds a series.</summary>
    public sealed record StateSet(string Name, string Help, IReadOnlyList<string> Known, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Help, Keys)
    {
        public override MetricFamily Family(IReadOnlyList<LabelledCar> cars)
        {
            var samples = Select(cars).Select(one => StateOf(one.Last.Value) is { } state ? new StateSample(one.Labels, state) : null)
                .OfType<StateSample>().DistinctBy(sample => sample.Labels).ToList();
            return MetricFamily.StateSet(Name, Help, "state", samples, [.. Known.Union(samples.Select(sample => sample.State))]);
        }

        private static string? StateOf(BmwValue value) => value switch
        {
            BmwValue.None => null,
            _ => BmwWords.ToState(value.ToText()),
        };
    }

    /// <summary>A date and time of the car, in Unix seconds.</summary>
    public sealed record Timestamp(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => BmwTimes.ToUnixSeconds(last.Value);
    }

    /// <summary>A time of day, in seconds since midnight.</summary>
    public sealed record TimeOfDay(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => BmwTimes.ToSecondsOfDay(last.Value);
    }

    /// <summary>When the car sent the last document. Only the time is a metric, because a document has no number and its text is too long.</summary>
    public sealed record Document(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.At.ToUnixTimeMilliseconds() / 1000.0;
    }

    /// <summary>Any text, as the label <c>value</c>.</summary>
    public sealed record Info(string Name, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Help, Keys)
    {
        public override MetricFamily Family(IReadOnlyList<LabelledCar> cars) => MetricFamily.Info(Name, Help,
            Select(cars).Where(one => one.Last.Value is not BmwValue.None).DistinctBy(one => one.Labels)
                .Select(one => one.Labels.With("value", one.Last.Value.ToText())));
    }

    /// <summary>A metric of the user's mapping file.</summary>
    /// <param name="Values">Numbers for texts; empty if the value is a number or Boolean.</param>
    public sealed record Custom(
        string Name, string Help, double Scale, IReadOnlyDictionary<string, double> Values, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value switch
        {
            BmwValue.Text(var text) => Values.TryGetValue(text, out var value) ? value : null,
            BmwValue.Number(var number) => number * Scale,
            var other => other.ToNumber(),
        };
    }

    /// <summary>Creates the family for all cars. If two keys have the same labels, the newer value counts.</summary>
    public virtual MetricFamily Family(IReadOnlyList<LabelledCar> cars) => MetricFamily.Gauge(Name, Help,
        from one in Select(cars)
        let number = Convert(one.Last, one.Car)
        where number is not null
        select new Sample(one.Labels, number.Value));

    /// <summary>The sample of a value; null if it has none.</summary>
    protected virtual double? Convert(BmwLastValue last, LabelledCar car) => null;

    /// <summary>Newest first, because a family keeps the first of two samples with the same labels.</summary>
    private IEnumerable<LabelledValue> Select(IReadOnlyList<LabelledCar> cars) =>
        (from car in cars
         from series in Keys
         from last in car.Values[series.Key]
         let withUnit = last with { Unit = last.Unit ?? series.Unit }
         select new LabelledValue(car, withUnit, series.Labels.Aggregate(car.Labels, (labels, label) => labels.With(label.Name, label.Value))))
        .OrderByDescending(one => one.Last.At);

    private sealed record LabelledValue(LabelledCar Car, BmwLastValue Last, LabelSet Labels);
}

/// <summary>A car with its labels.</summary>
/// <param name="Values">By the keys' short names; two keys can have the same short name.</param>
/// <param name="DistanceUnit">The unit of the car's distances; null if no distance has a unit.</param>
internal sealed record LabelledCar(LabelSet Labels, BmwCar Car, ILookup<string, BmwLastValue> Values, string? DistanceUnit);
