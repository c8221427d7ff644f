using System.Text;

namespace Exporter.Metrics;

/// <summary>
/// The labels of one series: immutable, ordered by name, equal by content. A label with an empty value is left out,
/// because Prometheus treats both as the same series and would see it twice.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    private readonly int hash;

    private LabelSet(List<(string Name, string Value)> labels)
    {
        Names = [.. labels.Select(label => label.Name)];
        Values = [.. labels.Select(label => label.Value)];
        var combined = new HashCode();
        labels.ForEach(combined.Add);
        hash = combined.ToHashCode();
    }

    public static LabelSet Empty { get; } = new([]);

    public int Count => Names.Length;

    /// <summary>In the order of their names.</summary>
    public IEnumerable<(string Name, string Value)> Labels => Names.Zip(Values);

    /// <summary>As prometheus-net takes them. Read-only by convention.</summary>
    public string[] Names { get; }

    /// <summary>In the order of <see cref="Names"/>. Read-only by convention.</summary>
    public string[] Values { get; }

    public string? this[string name] => Array.IndexOf(Names, name) is >= 0 and var at ? Values[at] : null;

    public static LabelSet Of(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var kept = new List<(string Name, string Value)>(labels.Length);
        foreach (var (name, value) in labels)
        {
            if (value.Length > 0)
            {
                kept.Add((name, WellFormed(value)));
            }
        }
        kept.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return kept.Count == 0 ? Empty : new LabelSet(kept);
    }

    /// <summary>These labels and one more.</summary>
    public LabelSet With(string name, string value) => Of([.. Labels, (name, value)]);

    public bool Equals(LabelSet? other) =>
        other is not null && hash == other.hash && Names.AsSpan().SequenceEqual(other.Names) && Values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => hash;

    public override string ToString() => "{" + string.Join(',', Labels.Select(label => $"{label.Name}=\"{label.Value}\"")) + "}";

    // Half a surrogate pair has no UTF-8 form: it is written as U+FFFD, and two different values could become one series.
    private static string WellFormed(string value) =>
        value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)) : value;
}
