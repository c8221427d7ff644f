using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Netatmo;

/// <summary>The devices of one response, read on demand, and Netatmo's clock when it sent the response.</summary>
/// <param name="Unreadable">The number of devices that are not objects.</param>
internal sealed record StationsData(IEnumerable<JsonElement> Devices, double? ServerTime, int Unreadable = 0);

/// <summary>The body of a response of <c>getstationsdata</c> or <c>gethomecoachsdata</c>, errors included.</summary>
/// <param name="Data">Null if the body has no list <c>body.devices</c>. An account without any device may have an empty array as its body.</param>
internal sealed record NetatmoResponse(StationsData? Data, NetatmoError? Error)
{
    /// <summary>Null if the JSON is not an object.</summary>
    public static NetatmoResponse? From(JsonElement? json) => json is { ValueKind: JsonValueKind.Object } response
        ? new(
            (response.Object("body")?.Objects("devices") ?? Empty(response, "body")) is { } devices
                ? new StationsData(devices, response.Number("time_server"), response.Object("body")?.CountUnreadable("devices") ?? 0)
                : null,
            NetatmoError.From(Json.Member(response, "error")))
        : null;

    private static IEnumerable<JsonElement>? Empty(JsonElement json, string name) =>
        Json.Items(Json.Member(json, name)) is { } items && !items.Any() ? [] : null;
}

/// <summary>The API's errors are objects with a code; those of OAuth (RFC 6749 section 5.2) are strings.</summary>
internal sealed record NetatmoError(double? Code, string? Message)
{
    public static NetatmoError? From(JsonElement? json) => json switch
    {
        { ValueKind: JsonValueKind.String } => new(null, Json.Text(json)),
        { ValueKind: JsonValueKind.Object } error => new(error.Number("code"), error.Text("message")),
        _ => null,
    };
}

/// <summary>The members of a JSON object. A member of an unexpected type reads as null and affects no other member.</summary>
internal static class NetatmoMembers
{
    public static JsonElement? Object(this JsonElement json, string name) =>
        Json.Member(json, name) is { ValueKind: JsonValueKind.Object } found ? found : null;

    /// <summary>
    /// The objects of an array, without its other items, each read on demand; null if there is no array. A map counts as the array of its
    /// values, because PHP writes a list with gaps as a map, and a device without a list as a list of one.
    /// </summary>
    public static IEnumerable<JsonElement>? Objects(this JsonElement json, string name) =>
        ItemsOf(json, name)?.Where(item => item.ValueKind == JsonValueKind.Object);

    /// <summary>How many items <see cref="Objects"/> leaves out.</summary>
    public static int CountUnreadable(this JsonElement json, string name) => ItemsOf(json, name) is { } items
        ? items.Count(item => item.ValueKind != JsonValueKind.Object)
        : Json.Member(json, name) is null or { ValueKind: JsonValueKind.Null } ? 0 : 1;

    private static IEnumerable<JsonElement>? ItemsOf(JsonElement json, string name) => Json.Member(json, name) switch
    {
        { ValueKind: JsonValueKind.Object } device when Json.Member(device, "_id") is not null => [device],
        var other => Json.ItemsOrValues(other),
    };

    /// <summary>A finite number, or a string that contains one.</summary>
    public static double? Number(this JsonElement json, string name) => Json.Number(Json.Member(json, name));

    /// <summary>The items of an array; an item that is not a number is null.</summary>
    public static IReadOnlyList<double?> Numbers(this JsonElement json, string name) =>
        [.. (Json.Items(Json.Member(json, name)) ?? []).Select(item => Json.Number(item))];

    /// <summary>A string that is not empty, or a number as text.</summary>
    public static string? Text(this JsonElement json, string name) =>
        Json.TextOrNumber(Json.Member(json, name)) is { Length: > 0 } text ? text : null;

    /// <summary>A Boolean, or 1 or 0 as a number or text.</summary>
    public static bool? Flag(this JsonElement json, string name) => Json.Member(json, name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        var other => (Json.Text(other), Json.Number(other)) switch
        {
            ("true", _) or (_, 1) => true,
            ("false", _) or (_, 0) => false,
            _ => null,
        },
    };
}

internal sealed class NetatmoResponseConverter : ElementConverter<NetatmoResponse>
{
    protected override NetatmoResponse? From(JsonElement json) => NetatmoResponse.From(json);
}

[JsonSerializable(typeof(NetatmoResponse))]
[JsonSourceGenerationOptions(Converters = [typeof(NetatmoResponseConverter)])]
internal sealed partial class NetatmoJson : JsonSerializerContext;
