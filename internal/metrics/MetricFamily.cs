namespace Exporter.Metrics;

public enum MetricKind { Gauge, Counter, Info, StateSet }

public sealed record Sample(LabelSet Labels, double Value);

public sealed record StateSample(LabelSet Labels, string State);

/// <summary>
/// What a collector returns: a metric's name, help, kind and samples. Immutable. Of several samples with the same labels the first is
/// kept. prometheus-net encodes it (see <see cref="EncodedMetrics"/>); the account page and its history read it.
/// </summary>
public sealed class MetricFamily
{
    private MetricFamily(string name, string help, MetricKind kind, IEnumerable<Sample> samples) =>
        (Name, Help, Kind, Samples) = (name, help, kind, [.. samples.DistinctBy(sample => sample.Labels)]);

    public string Name { get; }

    public string Help { get; }

    public MetricKind Kind { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public static MetricFamily Gauge(string name, string help, double value) => Gauge(name, help, [new(LabelSet.Empty, value)]);

    public static MetricFamily Gauge(string name, string help, IEnumerable<Sample> samples) => new(name, help, MetricKind.Gauge, samples);

    public static MetricFamily Counter(string name, string help, double value) => Counter(name, help, [new(LabelSet.Empty, value)]);

    /// <param name="name">Ends in <c>_total</c>.</param>
    /// <param name="samples">A negative value or NaN is left out: a counter starts from 0 and never falls (OpenMetrics 1.0, "Counter").</param>
    public static MetricFamily Counter(string name, string help, IEnumerable<Sample> samples) =>
        new(name, help, MetricKind.Counter, samples.Where(sample => sample.Value >= 0));

    public static MetricFamily Info(string name, string help, LabelSet labels) => Info(name, help, [labels]);

    /// <param name="name">Ends in <c>_info</c>.</param>
    public static MetricFamily Info(string name, string help, IEnumerable<LabelSet> labels) =>
        new(name, help, MetricKind.Info, labels.Select(set => new Sample(set, 1)));

    /// <summary>For every entry one series per possible state: the current one is 1, the others are 0.</summary>
    /// <exception cref="ArgumentException">A current state is not among <paramref name="states"/>.</exception>
    public static MetricFamily StateSet(string name, string help, string stateLabel, IEnumerable<StateSample> current, IReadOnlyList<string> states) =>
        new(name, help, MetricKind.StateSet, current.SelectMany(entry => states.Contains(entry.State)
            ? states.Select(state => new Sample(entry.Labels.With(stateLabel, state), state == entry.State ? 1 : 0))
            : throw new ArgumentException($"\"{entry.State}\" is not a state of {name}.", nameof(current))));
}

/// <summary>Families that share some labels, such as the account's name.</summary>
public sealed record FamilyGroup(LabelSet Labels, IReadOnlyList<MetricFamily> Families);
