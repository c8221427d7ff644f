namespace Exporter.Metrics;

public enum MetricKind { Gauge, Counter, Info, StateSet, Histogram, Unknown }

public sealed record Sample(LabelSet Labels, double Value);

public sealed record StateSample(LabelSet Labels, string State);

public sealed record HistogramSample(LabelSet Labels, HistogramValue Value);

/// <summary>
/// A metric's name, help, kind and samples. Immutable; the samples are ordered by their labels, and of several with the same
/// labels the first is kept, so a page never says one series twice. A family without samples is not written.
/// </summary>
public sealed class MetricFamily
{
    private readonly Sample[] samples;
    private readonly HistogramSample[] histograms;

    private MetricFamily(string name, string help, MetricKind kind, IEnumerable<Sample> samples, IEnumerable<HistogramSample> histograms)
    {
        Names.RequireMetric(name, kind);
        ArgumentNullException.ThrowIfNull(help);
        Name = name;
        Help = help;
        Kind = kind;
        Unit = Names.Unit(name, kind);
        this.samples = LabelSet.Order(samples.Where(sample => Allows(kind, sample.Value)), sample => sample.Labels);
        this.histograms = LabelSet.Order(histograms, histogram => histogram.Labels);
    }

    /// <summary>As in the text format: a counter's ends in <c>_total</c>, an info's in <c>_info</c>.</summary>
    public string Name { get; }

    public string Help { get; }

    public MetricKind Kind { get; }

    /// <summary>The base unit the name ends in, if it does.</summary>
    public string? Unit { get; }

    /// <summary>A histogram has none: see <see cref="Histograms"/>.</summary>
    public IReadOnlyList<Sample> Samples => samples;

    public IReadOnlyList<HistogramSample> Histograms => histograms;

    internal bool IsEmpty => samples.Length + histograms.Length == 0;

    public static MetricFamily Gauge(string name, string help, double value) => Gauge(name, help, [new(LabelSet.Empty, value)]);

    public static MetricFamily Gauge(string name, string help, IEnumerable<Sample> samples) => new(name, help, MetricKind.Gauge, samples, []);

    public static MetricFamily Counter(string name, string help, double value) => Counter(name, help, [new(LabelSet.Empty, value)]);

    /// <param name="name">Ends in <c>_total</c>.</param>
    /// <param name="samples">One that is negative or not a number is left out.</param>
    public static MetricFamily Counter(string name, string help, IEnumerable<Sample> samples) => new(name, help, MetricKind.Counter, samples, []);

    public static MetricFamily Info(string name, string help, LabelSet labels) => Info(name, help, [labels]);

    /// <param name="name">Ends in <c>_info</c>.</param>
    public static MetricFamily Info(string name, string help, IEnumerable<LabelSet> labels) =>
        new(name, help, MetricKind.Info, labels.Select(set => new Sample(set, 1)), []);

    /// <summary>For every entry one series per possible state, of which the current one is 1 and the others are 0.</summary>
    /// <exception cref="ArgumentException">A current state is not among <paramref name="states"/>.</exception>
    public static MetricFamily StateSet(string name, string help, string stateLabel, IEnumerable<StateSample> current, IReadOnlyList<string> states) =>
        new(name, help, MetricKind.StateSet, current.SelectMany(entry => states.Contains(entry.State)
            ? states.Select(state => new Sample(entry.Labels.With(stateLabel, state), state == entry.State ? 1 : 0))
            : throw new ArgumentException($"\"{entry.State}\" is no state of {name}.", nameof(current))), []);

    public static MetricFamily Histogram(string name, string help, IEnumerable<HistogramSample> histograms) =>
        new(name, help, MetricKind.Histogram, [], histograms);

    public static MetricFamily Unknown(string name, string help, IEnumerable<Sample> samples) => new(name, help, MetricKind.Unknown, samples, []);

    /// <summary>The same family with one more label on every sample.</summary>
    /// <exception cref="ArgumentException">A sample has the label already.</exception>
    public MetricFamily With(string labelName, string labelValue) => new(
        Name, Help, Kind,
        samples.Select(sample => sample with { Labels = sample.Labels.With(labelName, labelValue) }),
        histograms.Select(histogram => histogram with { Labels = histogram.Labels.With(labelName, labelValue) }));

    /// <summary>
    /// Several accounts' families as one page: one family per name, ordered by name. The first family of a name gives the help,
    /// and where two have a series in common, the first has it.
    /// </summary>
    /// <exception cref="ArgumentException">Two families are one in OpenMetrics, but not of one kind: a page cannot say both.</exception>
    public static IReadOnlyList<MetricFamily> Merge(IEnumerable<IEnumerable<MetricFamily>> pages)
    {
        var merged = pages.SelectMany(page => page).GroupBy(family => family.Name).OrderBy(group => group.Key, StringComparer.Ordinal).Select(Merge).ToArray();
        var clash = merged.GroupBy(family => Names.WithoutSuffix(family.Name, family.Kind)).FirstOrDefault(group => group.Count() > 1);
        return clash is null ? merged : throw new ArgumentException($"{string.Join(" and ", clash.Select(family => family.Name))} are one family in OpenMetrics.");
    }

    private static MetricFamily Merge(IGrouping<string, MetricFamily> families)
    {
        var first = families.First();
        if (families.FirstOrDefault(family => family.Kind != first.Kind) is { } other)
        {
            throw new ArgumentException($"{first.Name} is both a {first.Kind} and a {other.Kind}.");
        }
        return families.Skip(1).Any()
            ? new(first.Name, first.Help, first.Kind, families.SelectMany(family => family.samples), families.SelectMany(family => family.histograms))
            : first;
    }

    // OpenMetrics 1.0, "Counter": a total is a non-NaN that starts from 0 and never falls.
    internal static bool Allows(MetricKind kind, double value) => kind is not MetricKind.Counter || value >= 0;
}

/// <summary>What a histogram has seen. Immutable.</summary>
public sealed class HistogramValue
{
    /// <param name="upperBounds">Ascending, none negative (a histogram with negative observations may have no sum), without +Inf.</param>
    /// <param name="counts">Observations per bucket, not accumulated: one more than bounds, the last is above all of them.</param>
    public HistogramValue(IReadOnlyList<double> upperBounds, IReadOnlyList<long> counts, double sum)
    {
        UpperBounds = [.. upperBounds];
        Counts = [.. counts];
        Sum = sum;
        if (Counts.Count != UpperBounds.Count + 1 || Counts.Any(count => count < 0))
        {
            throw new ArgumentException("A histogram has one count per bound, one more for what is above them, and none is negative.", nameof(counts));
        }
        if (!UpperBounds.All(bound => double.IsFinite(bound) && bound >= 0) || UpperBounds.Zip(UpperBounds.Skip(1)).Any(pair => pair.First >= pair.Second))
        {
            throw new ArgumentException("A histogram's bounds ascend, and are neither negative nor infinite.", nameof(upperBounds));
        }
    }

    public IReadOnlyList<double> UpperBounds { get; }

    public IReadOnlyList<long> Counts { get; }

    public double Sum { get; }
}
