using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Tokens;

/// <summary>Says that the token of a file is in a shared store, so that no program uses or renews the file. Immutable.</summary>
/// <param name="Store">The store, without a password.</param>
/// <param name="Account">The account's name there.</param>
public sealed record StoreMarker(string Store, string Account, DateTimeOffset Since)
{
    /// <summary>Why the file is not used, and what to do.</summary>
    internal string Reason => $"its token is in the shared store {Sanitize.Line(Store)} since {Since:u}; use it there, or give it back with: "
        + $"oauth-exporter-cluster store export {Sanitize.Line(Account)}";

    internal byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, StoreMarkerJson.Default.StoreMarker), (byte)'\n'];

    /// <summary>Null if it is damaged.</summary>
    internal static StoreMarker? Parse(ReadOnlySpan<byte> content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, StoreMarkerJson.Default.StoreMarker) is { Store: not null, Account: not null } marker
                ? marker
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoreMarker))]
internal sealed partial class StoreMarkerJson : JsonSerializerContext;
