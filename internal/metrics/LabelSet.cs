using System.Text;

namespace Exporter.Metrics;

/// <summary>
/// The labels of one series: immutable, ordered by name, compared by content. A label with an empty value is omitted,
/// because for Prometheus both are the same series.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    private readonly int hash;

    private LabelSet(List<(string Name, string Value)> labels)
    {
        Names = [.. labels.Select(label => label.Name)];
        Values = [.. labels.Select(label => label.Value)];
        // A delegate to a method of a struct would add to a copy, and all sets would have the same hash.
        var combined = new HashCode();
        foreach (var label in labels)
        {
            combined.Add(label);
        }
        hash = combined.ToHashCode();
    }

    public static LabelSet Empty { get; } = new([]);

    public int Count => Names.Length;

    /// <summary>Ordered by name.</summary>
    public IEnumerable<(string Name, string Value)> Labels => Names.Zip(Values);

    /// <summary>An array, as prometheus-net requires. Read-only by convention.</summary>
    public string[] Names { get; }

    /// <summary>In the order of <see cref="Names"/>. Read-only by convention.</summary>
    public string[] Values { get; }

    public string? this[string name] => Array.IndexOf(Names, name) is >= 0 and var at ? Values[at] : null;

    public static LabelSet Of(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var list = new List<(string Name, string Value)>(labels.Length);
        foreach (var (name, value) in labels)
        {
            if (value.Length > 0)
            {
                list.Add((name, WellFormed(value)));
            }
        }
        list.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return list.Count == 0 ? Empty : new LabelSet(list);
    }

    public LabelSet With(string name, string value) => Of([.. Labels, (name, value)]);

    public bool Equals(LabelSet? other) =>
        other is not null && hash == other.hash && Names.AsSpan().SequenceEqual(other.Names) && Values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => hash;

    public override string ToString() => "{" + string.Join(',', Labels.Select(label => $"{label.Name}=\"{label.Value}\"")) + "}";

    // A lone surrogate is encoded as U+FFFD, so two different values could otherwise become one series.
    private static string WellFormed(string value) =>
        value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)) : value;
}
