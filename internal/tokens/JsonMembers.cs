using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>
/// The members of a JSON object in their order, with each value as its original text, so that unknown members survive every rewrite.
/// Immutable. Equal when names, order and texts are equal. If a name is repeated, the last value counts.
/// </summary>
public sealed class JsonMembers : IEquatable<JsonMembers>
{
    private readonly (string Name, string Json)[] members;

    private JsonMembers((string, string)[] members) => this.members = members;

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private static readonly JsonReaderOptions LenientReader =
        new() { MaxDepth = 32, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static JsonMembers Empty { get; } = new([]);

    public int Count => members.Length;

    public IEnumerable<string> Names => members.Select(m => m.Name);

    /// <summary>Reads the first JSON value of <paramref name="utf8"/>. Ignores the text after it, as Go's decoder does.</summary>
    /// <exception cref="JsonException">It is not an object, or not JSON.</exception>
    public static JsonMembers Parse(ReadOnlySpan<byte> utf8)
    {
        // Editors on Windows write a byte order mark; RFC 8259, section 8.1, permits a reader to ignore it.
        var text = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        var reader = new Utf8JsonReader(text, LenientReader);
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        return root.ValueKind == JsonValueKind.Object ? From(root) : throw new JsonException("it is not a JSON object");
    }

    /// <summary>Reads the first JSON value of <paramref name="utf8"/>; null when it is not an object, or not JSON.</summary>
    public static JsonMembers? TryParse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return Parse(utf8);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <exception cref="JsonException">It contains text that is not Unicode.</exception>
    public static JsonMembers From(JsonElement element)
    {
        try
        {
            var found = new OrderedDictionary<string, string>();
            foreach (var property in element.EnumerateObject())
            {
                found[property.Name] = property.Value.GetRawText();
            }
            return new([.. found.Select(m => (m.Key, m.Value))]);
        }
        catch (InvalidOperationException)
        {
            // Invalid UTF-8 and a lone surrogate in a name fail only when the text is read.
            throw new JsonException("it holds text that is not Unicode");
        }
    }

    /// <summary>
    /// The text of a string or number; null when it is missing, empty or of another type. Names are compared without case, as Go's decoder
    /// does.
    /// </summary>
    public string? Text(string name) => Read(name) switch
    {
        { ValueKind: JsonValueKind.String } value when TryString(value) is { Length: > 0 } text => text,
        { ValueKind: JsonValueKind.Number } value => value.GetRawText(),
        _ => null,
    };

    /// <summary>A number, also if it is written as text; null when it is missing or not a number.</summary>
    public double? Number(string name) =>
        double.TryParse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>The members of a nested object; null when there is none.</summary>
    /// <exception cref="JsonException">It contains text that is not Unicode.</exception>
    public JsonMembers? Inner(string name) => Read(name) is { ValueKind: JsonValueKind.Object } value ? From(value) : null;

    /// <summary>The strings of an array; null when there is no array. Skips values of other types.</summary>
    public IReadOnlyList<string>? Texts(string name) => Read(name) is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(TryString).OfType<string>()]
        : null;

    public bool Has(string name) => IndexOf(name) >= 0;

    public JsonMembers With(string name, string? text) => text is null ? Without(name) : WithJson(name, Quote(text));

    public JsonMembers With(string name, long number) => WithJson(name, number.ToString(CultureInfo.InvariantCulture));

    public JsonMembers With(string name, JsonMembers inner, JsonStyle style) => WithJson(name, inner.Write(style.Nested()));

    public JsonMembers Without(string name) => IndexOf(name) is >= 0 and var at ? new([.. members[..at], .. members[(at + 1)..]]) : this;

    public JsonMembers Without(IEnumerable<string> names) => names.Aggregate(this, (left, name) => left.Without(name));

    /// <summary>The members of <paramref name="newer"/> that are not null replace these; the others stay, in their order.</summary>
    public JsonMembers Merge(JsonMembers newer)
    {
        var merged = new List<(string Name, string Json)>(members);
        var (exact, loose) = (new Dictionary<string, int>(), new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase));
        for (var at = 0; at < members.Length; at++)
        {
            exact[members[at].Name] = at;
            loose.TryAdd(members[at].Name, at);
        }
        foreach (var (name, json) in newer.members.Where(m => m.Json != "null"))
        {
            if (exact.TryGetValue(name, out var at) || loose.TryGetValue(name, out at))
            {
                merged[at] = merged[at] with { Json = json };
            }
            else
            {
                exact[name] = loose[name] = merged.Count;
                merged.Add((name, json));
            }
        }
        return new([.. merged]);
    }

    public byte[] ToBytes(JsonStyle style) => Encoding.UTF8.GetBytes(Write(style) + (style.FinalNewline ? style.Newline : ""));

    public bool Equals(JsonMembers? other) => other is not null && members.AsSpan().SequenceEqual(other.members);

    public override bool Equals(object? obj) => Equals(obj as JsonMembers);

    public override int GetHashCode() => members.Aggregate(members.Length, HashCode.Combine);

    /// <summary>Names only: the values may be secrets.</summary>
    public override string ToString() => $"{{{string.Join(", ", Names)}}}";

    private string Write(JsonStyle style)
    {
        if (members.Length == 0)
        {
            return "{}";
        }
        if (style.Indent is null)
        {
            return $"{{{string.Join(',', members.Select(m => $"{Quote(m.Name)}:{m.Json}"))}}}";
        }
        var lines = members.Select(m => $"{style.Margin}{style.Indent}{Quote(m.Name)}: {m.Json}");
        return $"{{{style.Newline}{string.Join($",{style.Newline}", lines)}{style.Newline}{style.Margin}}}";
    }

    private JsonMembers WithJson(string name, string json)
    {
        var at = IndexOf(name);
        if (at < 0)
        {
            return new([.. members, (name, json)]);
        }
        var copy = members.ToArray();
        copy[at].Json = json;
        return new(copy);
    }

    private int IndexOf(string name) =>
        Array.FindIndex(members, m => m.Name == name) is >= 0 and var exact
            ? exact
            : Array.FindIndex(members, m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private JsonElement? Read(string name)
    {
        if (IndexOf(name) is not (>= 0 and var at))
        {
            return null;
        }
        using var document = JsonDocument.Parse(members[at].Json, Lenient);
        return document.RootElement.Clone();
    }

    /// <summary>The parser accepts a lone surrogate, but reading it fails: then the member counts as missing.</summary>
    private static string? TryString(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string Quote(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStringValue(text);
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>The layout of a JSON file: one line, or indented with <paramref name="Indent"/>.</summary>
public sealed record JsonStyle(string? Indent, bool FinalNewline, string Margin = "")
{
    public static JsonStyle Compact { get; } = new(null, true);

    public string Newline { get; init; } = "\n";

    /// <summary>The layout of an existing file.</summary>
    public static JsonStyle Of(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return Compact;
        }
        var newline = utf8.IndexOf((byte)'\n');
        var indented = newline >= 0 && newline < utf8.Length - 1;
        var after = indented ? utf8[(newline + 1)..] : default;
        var width = after.IndexOfAnyExcept(" \t"u8);
        return new(indented && width > 0 ? Encoding.UTF8.GetString(after[..width]) : null, utf8[^1] == '\n')
        {
            Newline = newline > 0 && utf8[newline - 1] == '\r' ? "\r\n" : "\n",
        };
    }

    public JsonStyle Nested() => this with { Margin = Margin + Indent };
}
