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
    /// <summary>The text of each value, by its name.</summary>
    private readonly OrderedDictionary<string, string> members;

    private JsonMembers(OrderedDictionary<string, string> members) => this.members = members;

    public static JsonMembers Empty { get; } = new([]);

    public int Count => members.Count;

    public IEnumerable<string> Names => members.Keys;

    /// <summary>Reads the first JSON value of <paramref name="utf8"/>. Ignores the text after it, as Go's decoder does.</summary>
    /// <exception cref="JsonException">It is not an object, or not JSON.</exception>
    public static JsonMembers Parse(ReadOnlySpan<byte> utf8) => From(Json.ParseFirst(utf8));

    /// <summary>Reads the first JSON value of <paramref name="utf8"/>; null when it is not an object, or not JSON.</summary>
    public static JsonMembers? TryParse(ReadOnlySpan<byte> utf8) => TryFrom(Json.Parse(utf8));

    /// <summary>The members of an object; null when it is not an object, or contains text that is not Unicode.</summary>
    public static JsonMembers? TryFrom(JsonElement? element)
    {
        try
        {
            return element is { ValueKind: JsonValueKind.Object } found ? From(found) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <exception cref="JsonException">It is not an object, or contains text that is not Unicode.</exception>
    public static JsonMembers From(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("it is not a JSON object");
        }
        try
        {
            var found = new OrderedDictionary<string, string>();
            foreach (var property in element.EnumerateObject())
            {
                found[property.Name] = property.Value.GetRawText();
            }
            return new(found);
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
    public string? Text(string name) => Json.TextOrNumber(Read(name)) is { Length: > 0 } text ? text : null;

    /// <summary>The text of a string; null when it is missing, empty or of another type.</summary>
    public string? TextOnly(string name) => Json.Text(Read(name)) is { Length: > 0 } text ? text : null;

    /// <summary>A number, also if it is written as text; null when it is missing or not a number.</summary>
    public double? Number(string name) => Json.Number(Read(name));

    /// <summary>Whether it is the value <c>true</c>.</summary>
    internal bool IsTrue(string name) => Read(name) is { ValueKind: JsonValueKind.True };

    /// <summary>A time in Unix seconds; null when it is missing or not a time.</summary>
    public DateTimeOffset? UnixTime(string name) =>
        Number(name) is > 0 and < 1e11 and var seconds ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : null;

    /// <summary>A time in Unix seconds or as RFC 3339; null when it is missing, not a time, or means "none".</summary>
    public DateTimeOffset? Time(string name) => TokenTime.Parse(Text(name));

    /// <summary>What is wrong with a time, as a sentence; null when it is missing or valid.</summary>
    public string? TimeProblem(string name) => Read(name) is not { ValueKind: not JsonValueKind.Null } value
        || (Json.TextOrNumber(value) is { } text && (text.Length == 0 || TokenTime.IsValid(text)))
        ? null
        : $"its {name} {Sanitize.Line(value.GetRawText(), 40)} is not a time; write 2026-01-31T12:00:00Z or Unix seconds";

    /// <summary>The members of a nested object; null when there is none.</summary>
    /// <exception cref="JsonException">It contains text that is not Unicode.</exception>
    public JsonMembers? Inner(string name) => Read(name) is { ValueKind: JsonValueKind.Object } value ? From(value) : null;

    /// <summary>The strings of an array; null when there is no array. Skips values of other types.</summary>
    public IReadOnlyList<string>? Texts(string name) => Json.Items(Read(name))?.Select(item => Json.Text(item)).OfType<string>().ToList();

    public bool Has(string name) => Find(name) is not null;

    public JsonMembers With(string name, string? text) => text is null ? Without(name) : WithJson(name, Quote(text));

    public JsonMembers With(string name, long number) => WithJson(name, number.ToString(CultureInfo.InvariantCulture));

    public JsonMembers WithUnixTime(string name, DateTimeOffset? time) =>
        time is { } at ? With(name, at.ToUnixTimeSeconds()) : Without(name);

    public JsonMembers With(string name, JsonMembers inner, JsonStyle style) => WithJson(name, inner.Write(style.Nested()));

    public JsonMembers Without(string name) => Find(name) is { } known ? new(new(members.Where(m => m.Key != known))) : this;

    public JsonMembers Without(IEnumerable<string> names) => names.Aggregate(this, (left, name) => left.Without(name));

    /// <summary>The members of <paramref name="newer"/> that are not null replace these; the others stay, in their order.</summary>
    public JsonMembers Merge(JsonMembers newer)
    {
        var merged = new OrderedDictionary<string, string>(members);
        var inAnyCase = Names.Distinct(StringComparer.OrdinalIgnoreCase).ToDictionary(name => name, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, json) in newer.members.Where(m => m.Value != "null"))
        {
            var known = merged.ContainsKey(name) ? name : inAnyCase.GetValueOrDefault(name, name);
            merged[known] = json;
            inAnyCase.TryAdd(name, known);
        }
        return new(merged);
    }

    public byte[] ToBytes(JsonStyle style) => Encoding.UTF8.GetBytes(Write(style) + (style.FinalNewline ? style.Newline : ""));

    public bool Equals(JsonMembers? other) =>
        other is not null && Names.SequenceEqual(other.Names) && members.Values.SequenceEqual(other.members.Values);

    public override bool Equals(object? obj) => Equals(obj as JsonMembers);

    public override int GetHashCode() => members.Values.Aggregate(Count, HashCode.Combine);

    /// <summary>Names only: the values may be secrets.</summary>
    public override string ToString() => $"{{{string.Join(", ", Names)}}}";

    private string Write(JsonStyle style)
    {
        if (Count == 0)
        {
            return "{}";
        }
        if (style.Indent is null)
        {
            return $"{{{string.Join(',', members.Select(m => $"{Quote(m.Key)}:{m.Value}"))}}}";
        }
        var lines = members.Select(m => $"{style.Margin}{style.Indent}{Quote(m.Key)}: {m.Value}");
        return $"{{{style.Newline}{string.Join($",{style.Newline}", lines)}{style.Newline}{style.Margin}}}";
    }

    private JsonMembers WithJson(string name, string json) =>
        new(new OrderedDictionary<string, string>(members) { [Find(name) ?? name] = json });

    /// <summary>The name of a member as it is written.</summary>
    private string? Find(string name) =>
        members.ContainsKey(name) ? name : Names.FirstOrDefault(other => other.Equals(name, StringComparison.OrdinalIgnoreCase));

    private JsonElement? Read(string name) => Find(name) is { } known ? Json.Parse(Encoding.UTF8.GetBytes(members[known])) : null;

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
