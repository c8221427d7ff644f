namespace Exporter.Accounts;

/// <summary>Texts by key, in their order. A text may be secret, so none is ever shown. Immutable; equal if keys and texts are equal.</summary>
public sealed class TextMap : IEquatable<TextMap>
{
    private readonly IReadOnlyList<RawEntry> entries;

    internal TextMap(IReadOnlyList<RawEntry> entries) =>
        (this.entries, Entries) = (entries, [.. entries.Select(entry => KeyValuePair.Create(entry.Key, new Secret(entry.Text.Trim())))]);

    public static TextMap Empty { get; } = new([]);

    public IReadOnlyList<KeyValuePair<string, Secret>> Entries { get; }

    /// <summary>The texts themselves, for code that sends them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Reveal() => [.. Entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Reveal()))];

    public bool Equals(TextMap? other) => other is not null && Entries.Count == other.Entries.Count
        && Sorted(this).Zip(Sorted(other)).All(pair => pair.First.Key == pair.Second.Key && pair.First.Value.Equals(pair.Second.Value));

    public override bool Equals(object? obj) => Equals(obj as TextMap);

    public override int GetHashCode() => Entries.Count;

    /// <summary>Keys only: the texts may be secrets.</summary>
    public override string ToString() => $"{{{string.Join(", ", Entries.Select(entry => entry.Key))}}}";

    /// <summary>An entry that is the path of a file, as a full path. A path in a file is relative to that file's directory.</summary>
    public string PathOf(string key) => entries.FirstOrDefault(entry => entry.Key == key) is { } entry
        ? Path.GetFullPath(entry.Text.Trim(), entry.Origin.Directory)
        : throw new ArgumentException($"there is no entry {key}", nameof(key));

    internal Origin? OriginOf(string key) => entries.FirstOrDefault(entry => entry.Key == key)?.Origin;

    private static IEnumerable<KeyValuePair<string, Secret>> Sorted(TextMap map) => map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal);
}
