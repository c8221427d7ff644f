namespace Exporter.Metrics;

public enum MetricKind { Gauge, Counter, Info, StateSet }

public sealed record Sample(LabelSet Labels, double Value);

public sealed record StateSample(LabelSet Labels, string State);

/// <summary>
/// A metric that a collector returns: name, help, kind and samples. Immutable. Of several samples with the same labels only the first is
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

    /// <param name="name">Ends in <c>_total</c>.</param>
    /// <param name="samples">Negative values and NaN are omitted: a counter starts from 0 and never decreases (OpenMetrics 1.0, "Counter").</param>
    public static MetricFamily Counter(string name, string help, IEnumerable<Sample> samples) =>
        new(name, help, MetricKind.Counter, samples.Where(sample => sample.Value >= 0));

    /// <param name="name">Ends in <c>_info</c>.</param>
    public static MetricFamily Info(string name, string help, IEnumerable<LabelSet> labels) =>
        new(name, help, MetricKind.Info, labels.Select(set => new Sample(set, 1)));

    /// <summary>One series for each entry and possible state: 1 for the current state, 0 for the others.</summary>
    /// <exception cref="ArgumentException">A current state is not among <paramref name="states"/>.</exception>
    public static MetricFamily StateSet(
        string name, string help, string stateLabel, IEnumerable<StateSample> current, IReadOnlyList<string> states) =>
        new(name, help, MetricKind.StateSet, current.SelectMany(entry => states.Contains(entry.State)
            ? states.Select(state => new Sample(entry.Labels.With(stateLabel, state), state == entry.State ? 1 : 0))
            : throw new ArgumentException($"\"{entry.State}\" is not a state of {name}.", nameof(current))));
}

/// <summary>Families with common labels, such as the account's name.</summary>
public sealed record FamilyGroup(LabelSet Labels, IReadOnlyList<MetricFamily> Families);
