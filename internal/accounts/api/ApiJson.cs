using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>
/// Reads JSON leniently: a name or text that is not valid Unicode is null and does not affect its siblings. <see cref="JsonElement"/> throws
/// for it, and TryGetProperty throws for its siblings too.
/// </summary>
public static class ApiJson
{
    /// <summary>The JSON of a body; null if it is not JSON.</summary>
    public static JsonElement? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonElement.Parse(utf8);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The last member of that name; null if there is none or the element is not an object.</summary>
    public static JsonElement? Member(JsonElement? element, string name, StringComparison comparison = StringComparison.Ordinal)
    {
        JsonElement? found = null;
        if (element is { ValueKind: JsonValueKind.Object } members)
        {
            foreach (var member in members.EnumerateObject())
            {
                found = string.Equals(Name(member), name, comparison) ? member.Value : found;
            }
        }
        return found;
    }

    public static string? Name(JsonProperty property) => OrNull(() => property.Name);

    public static string? Text(JsonElement? element) => element is { ValueKind: JsonValueKind.String } text ? OrNull(text.GetString) : null;

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
