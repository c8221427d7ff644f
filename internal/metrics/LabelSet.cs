using System.Text;

namespace Exporter.Metrics;

/// <summary>
/// The labels of one series: immutable, ordered by name, equal by content. A label whose value is empty is not there at all,
/// because Prometheus does not tell the two apart and would see one series twice.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>, IComparable<LabelSet>
{
    private readonly (string Name, string Value)[] labels;
    private readonly int hash;

    private LabelSet((string Name, string Value)[] labels)
    {
        this.labels = labels;
        var combined = new HashCode();
        foreach (var label in labels)
        {
            combined.Add(label);
        }
        hash = combined.ToHashCode();
    }

    public static LabelSet Empty { get; } = new([]);

    public int Count => labels.Length;

    /// <summary>In the order of their names.</summary>
    public ReadOnlySpan<(string Name, string Value)> Labels => labels;

    /// <exception cref="ArgumentException">A name is no label name, or appears twice.</exception>
    public static LabelSet Of(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var ordered = new List<(string Name, string Value)>(labels.Length);
        foreach (var (name, value) in labels)
        {
            ArgumentNullException.ThrowIfNull(value);
            Names.RequireLabel(name);
            var at = ordered.FindIndex(other => string.CompareOrdinal(other.Name, name) >= 0);
            if (at >= 0 && ordered[at].Name == name)
            {
                throw new ArgumentException($"The label {name} is given twice.", nameof(labels));
            }
            ordered.Insert(at < 0 ? ordered.Count : at, (name, WellFormed(value)));
        }
        ordered.RemoveAll(label => label.Value.Length == 0);
        return ordered.Count == 0 ? Empty : new LabelSet([.. ordered]);
    }

    /// <summary>These labels and one more.</summary>
    /// <exception cref="ArgumentException">The name is no label name, or is there already.</exception>
    public LabelSet With(string name, string value) => Of([.. labels, (name, value)]);

    public string? this[string name] => Array.Find(labels, label => label.Name == name).Value;

    public int CompareTo(LabelSet? other)
    {
        if (ReferenceEquals(this, other))
        {
            return 0;
        }
        if (other is null)
        {
            return 1;
        }
        for (var i = 0; i < labels.Length && i < other.labels.Length; i++)
        {
            var order = string.CompareOrdinal(labels[i].Name, other.labels[i].Name);
            order = order == 0 ? string.CompareOrdinal(labels[i].Value, other.labels[i].Value) : order;
            if (order != 0)
            {
                return order;
            }
        }
        return labels.Length.CompareTo(other.labels.Length);
    }

    public bool Equals(LabelSet? other) => ReferenceEquals(this, other) || (other is not null && hash == other.hash && CompareTo(other) == 0);

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => hash;

    public override string ToString() => "{" + string.Join(',', labels.Select(label => $"{label.Name}=\"{label.Value}\"")) + "}";

    public static bool operator ==(LabelSet? left, LabelSet? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(LabelSet? left, LabelSet? right) => !(left == right);

    public static bool operator <(LabelSet? left, LabelSet? right) => left is null ? right is not null : left.CompareTo(right) < 0;

    public static bool operator <=(LabelSet? left, LabelSet? right) => left is null || left.CompareTo(right) <= 0;

    public static bool operator >(LabelSet? left, LabelSet? right) => right < left;

    public static bool operator >=(LabelSet? left, LabelSet? right) => right <= left;

    /// <summary>The items in the order of their labels; of several with the same labels the first is kept.</summary>
    internal static T[] Order<T>(IEnumerable<T> items, Func<T, LabelSet> labels)
    {
        var given = items.ToArray();
        var ascending = true;
        for (var i = 1; i < given.Length && ascending; i++)
        {
            ascending = labels(given[i - 1]).CompareTo(labels(given[i])) < 0;
        }
        if (ascending)
        {
            return given;
        }
        var ordered = new List<T>(given.Length);
        foreach (var item in given.OrderBy(labels))
        {
            if (ordered.Count == 0 || !labels(ordered[^1]).Equals(labels(item)))
            {
                ordered.Add(item);
            }
        }
        return [.. ordered];
    }

    // Half a surrogate pair has no UTF-8: written, it becomes U+FFFD, and two different values could become one series.
    private static string WellFormed(string value) =>
        value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)) : value;
}
