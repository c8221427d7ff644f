using System.Globalization;

namespace Exporter.BmwCarData;

/// <summary>A key that is the source of a metric, by its short name, and the labels of its series.</summary>
internal sealed record KeySeries(string Key, params IReadOnlyList<(string Name, string Value)> Labels)
{
    /// <summary>The unit if the car never sent one, for a metric whose keys have different units.</summary>
    public string? Unit { get; init; }

    public static implicit operator KeySeries(string key) => new(key);
}

/// <summary>Converts keys of a car to a metric, and to values that people read.</summary>
/// <param name="Label">A short noun phrase for people, unique among all metrics.</param>
internal abstract record BmwMetric(string Name, string Label, string Help, IReadOnlyList<KeySeries> Keys)
{
    /// <summary>A number in a base unit.</summary>
    /// <param name="Assumed">The unit if the car never sent one; null if that could be any unit, so that there is no value.</param>
    public sealed record Measurement(string Name, string Label, string Help, Quantity Quantity, string? Assumed, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Label, Help, Keys)
    {
        // A distance without a unit has that of the car's other distances, which follow one setting of the car.
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value is BmwValue.Number(var number)
            ? BmwUnits.ToBase(number, last.Unit ?? Assumed ?? (Quantity == Quantity.Meters ? car.DistanceUnit : null), Quantity)
            : null;

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) => Convert(last, car) is { } number
            ? BmwDisplay.Of(number, Quantity, inMiles: BmwUnits.Normalize(car.DistanceUnit) == "mi", isAltitude: Assumed == "m")
            : null;
    }

    /// <summary>1 or 0.</summary>
    public sealed record Flag(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
    {
        /// <summary>The words for 1 and 0 of a key whose words mean something else, as states.</summary>
        public IReadOnlyDictionary<string, bool> Words { get; init; } = new Dictionary<string, bool>();

        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.Value switch
        {
            BmwValue.Text(var text) => Words.TryGetValue(BmwWords.ToState(text), out var word) ? word ? 1 : 0 : BmwWords.ToBoolean(text),
            var other => other.ToNumber() is (0 or 1) and var number ? number : null,
        };

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) =>
            Convert(last, car) is { } number ? new ReadingValue.Flag(number == 1) : null;
    }

    /// <summary>The number of phases: <c>3-PHASES</c>, <c>NO_CHARGING</c>, or a number.</summary>
    public sealed record Phases(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
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
    public sealed record StateSet(string Name, string Label, string Help, IReadOnlyList<string> Known, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Label, Help, Keys)
    {
        public override MetricFamily Family(IReadOnlyList<LabelledCar> cars)
        {
            var samples = Select(cars).Select(one => StateOf(one.Last.Value) is { } state ? new StateSample(one.Labels, state) : null)
                .OfType<StateSample>().DistinctBy(sample => sample.Labels).ToList();
            return MetricFamily.StateSet(Name, Help, "state", samples, [.. Known.Union(samples.Select(sample => sample.State))]);
        }

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) =>
            StateOf(last.Value) is { } state && !string.IsNullOrWhiteSpace(state) ? new ReadingValue.Text(BmwWords.ToSentence(state)) : null;

        private static string? StateOf(BmwValue value) => value switch
        {
            BmwValue.None => null,
            _ => BmwWords.ToState(value.ToText()),
        };
    }

    /// <summary>A date and time of the car, in Unix seconds.</summary>
    public sealed record Timestamp(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => BmwTimes.ToUnixSeconds(last.Value);

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) => Convert(last, car) is { } seconds
            ? new ReadingValue.Time(DateTimeOffset.UnixEpoch.AddSeconds(seconds))
            : null;
    }

    /// <summary>A time of day, in seconds since midnight.</summary>
    public sealed record TimeOfDay(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => BmwTimes.ToSecondsOfDay(last.Value);

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) => Convert(last, car) is { } seconds
            ? new ReadingValue.Text(TimeSpan.FromSeconds(seconds).ToString(@"hh\:mm", CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>When the car sent the last document. Only the time is a metric, because a document has no number and its text is too long.</summary>
    public sealed record Document(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
    {
        protected override double? Convert(BmwLastValue last, LabelledCar car) => last.At.ToUnixTimeMilliseconds() / 1000.0;

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) => new ReadingValue.Time(last.At);
    }

    /// <summary>Any text, as the label <c>value</c>.</summary>
    public sealed record Info(string Name, string Label, string Help, params IReadOnlyList<KeySeries> Keys) : BmwMetric(Name, Label, Help, Keys)
    {
        public override MetricFamily Family(IReadOnlyList<LabelledCar> cars) => MetricFamily.Info(Name, Help,
            Select(cars).Where(one => one.Last.Value is not BmwValue.None).DistinctBy(one => one.Labels)
                .Select(one => one.Labels.With("value", one.Last.Value.ToText())));

        protected override ReadingValue? Show(BmwLastValue last, LabelledCar car) =>
            string.IsNullOrWhiteSpace(last.Value.ToText()) ? null : new ReadingValue.Text(last.Value.ToText());
    }

    /// <summary>A metric of the user's mapping file.</summary>
    /// <param name="Values">Numbers for texts; empty if the value is a number or Boolean.</param>
    public sealed record Custom(
        string Name, string Label, string Help, double Scale, IReadOnlyDictionary<string, double> Values, params IReadOnlyList<KeySeries> Keys)
        : BmwMetric(Name, Label, Help, Keys)
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

    /// <summary>The values of a car as people read them: the newest of each series, in the order of the keys.</summary>
    public IEnumerable<ShownValue> Present(LabelledCar car) =>
        from shown in Select([car]).Select(one => (One: one, Value: Show(one.Last, car))).Where(shown => shown.Value is not null)
            .DistinctBy(shown => shown.One.Labels)
        orderby shown.One.Order
        let series = Keys[shown.One.Order].Labels.Select(label => label.Value).ToList()
        select new ShownValue(this, string.Join(",", series), string.Join(", ", series.Select(BmwWords.ToPhrase).Prepend(Label)),
            shown.Value!, shown.One.Last.At);

    /// <summary>The sample of a value; null if it has none.</summary>
    protected virtual double? Convert(BmwLastValue last, LabelledCar car) => null;

    /// <summary>The value for people; null if it has none.</summary>
    protected virtual ReadingValue? Show(BmwLastValue last, LabelledCar car) => Convert(last, car) is { } number
        ? BmwDisplay.Of(number, Quantity.None, inMiles: false, isAltitude: false)
        : null;

    /// <summary>Newest first, because a family keeps the first of two samples with the same labels.</summary>
    private IEnumerable<LabelledValue> Select(IReadOnlyList<LabelledCar> cars) =>
        (from car in cars
         from indexed in Keys.Index()
         let series = indexed.Item
         from last in car.Values[series.Key]
         let withUnit = last with { Unit = last.Unit ?? series.Unit }
         let labels = series.Labels.Aggregate(car.Labels, (all, label) => all.With(label.Name, label.Value))
         select new LabelledValue(car, indexed.Index, withUnit, labels))
        .OrderByDescending(one => one.Last.At);

    /// <param name="Order">The index of the key.</param>
    private sealed record LabelledValue(LabelledCar Car, int Order, BmwLastValue Last, LabelSet Labels);
}

/// <summary>A value of a car as people read it.</summary>
/// <param name="Series">The values of the series' labels, separated by commas; empty without labels.</param>
/// <param name="Label">The metric's label, and which of its series it is: <c>Tire pressure, front left</c>.</param>
internal sealed record ShownValue(BmwMetric Metric, string Series, string Label, ReadingValue Value, DateTimeOffset At)
{
    public ReadingLine ToLine(string label, bool isPlotted) => new(label, Value, isPlotted && Value is ReadingValue.Number);
}

/// <summary>A car with its labels.</summary>
/// <param name="Values">By the keys' short names; two keys can have the same short name.</param>
/// <param name="DistanceUnit">The unit of the car's distances; null if no distance has a unit.</param>
internal sealed record LabelledCar(string Vin, LabelSet Labels, BmwCar Car, ILookup<string, BmwLastValue> Values, string? DistanceUnit);
