using System.Globalization;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>
/// Reads JSON leniently. A value of an unexpected type is null and affects nothing else. So is a name or text that is not valid Unicode:
/// <see cref="JsonElement"/> throws for it, and TryGetProperty throws for its siblings too. <see cref="JsonMembers"/> edits JSON.
/// </summary>
public static class Json
{
    private static readonly JsonReaderOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The first JSON value of a text; null if it is not JSON. Ignores the text after it, as Go's decoder does.</summary>
    public static JsonElement? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return ParseFirst(utf8);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <exception cref="JsonException">It is not JSON.</exception>
    internal static JsonElement ParseFirst(ReadOnlySpan<byte> utf8)
    {
        // Editors on Windows write a byte order mark; RFC 8259, section 8.1, permits a reader to ignore it.
        var reader = new Utf8JsonReader(utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8, Lenient);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>The last member of that name; null if there is none or the element is not an object.</summary>
    public static JsonElement? Member(JsonElement? element, string name, StringComparison comparison = StringComparison.Ordinal)
    {
        JsonElement? found = null;
        if (element is { ValueKind: JsonValueKind.Object } members)
        {
            foreach (var member in members.EnumerateObject())
            {
                found = IsNamed(member, name, comparison) ? member.Value : found;
            }
        }
        return found;
    }

    /// <summary>The items of an array; null if the element is not an array.</summary>
    public static IEnumerable<JsonElement>? Items(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : null;

    /// <summary>The items of an array, or the values of an object: some servers write a list as a map. Null if the element is neither.</summary>
    public static IEnumerable<JsonElement>? ItemsOrValues(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject().Select(member => member.Value) : Items(element);

    public static string? Name(JsonProperty property) => OrNull(() => property.Name);

    /// <summary>The text of a string.</summary>
    public static string? Text(JsonElement? element) => element is { ValueKind: JsonValueKind.String } text ? OrNull(text.GetString) : null;

    /// <summary>The text of a string, or a number as it is written.</summary>
    public static string? TextOrNumber(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Number } number ? number.GetRawText() : Text(element);

    /// <summary>A finite number, also if it is written as text.</summary>
    public static double? Number(JsonElement? element) =>
        double.TryParse(TextOrNumber(element), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : null;

    /// <summary>Allocates no text for an ordinal comparison: a reader looks up dozens of members of each object.</summary>
    private static bool IsNamed(JsonProperty property, string name, StringComparison comparison)
    {
        if (comparison != StringComparison.Ordinal)
        {
            return string.Equals(Name(property), name, comparison);
        }
        try
        {
            return property.NameEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static string? OrNull(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
