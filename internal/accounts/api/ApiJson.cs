using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>
/// Reads a provider's JSON in which a name or a text may be none: half a surrogate pair, escaped, or bytes that are no UTF-8. That costs
/// itself; <see cref="JsonElement"/> throws, and TryGetProperty also for what stands beside it.
/// </summary>
public static class ApiJson
{
    /// <summary>The JSON of a body; null if it is none.</summary>
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

    /// <summary>The last of that name; null where there is none, or no object.</summary>
    public static JsonElement? Member(JsonElement? of, string name, StringComparison comparison = StringComparison.Ordinal)
    {
        JsonElement? found = null;
        if (of is { ValueKind: JsonValueKind.Object } members)
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
