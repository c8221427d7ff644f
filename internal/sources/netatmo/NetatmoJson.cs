using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;

namespace Exporter.Netatmo;

/// <summary>The devices of one response, read on demand, and Netatmo's clock when it sent the response.</summary>
internal sealed record StationsData(IEnumerable<JsonFields> Devices, double? ServerTime);

/// <summary>The body of a response of <c>getstationsdata</c> or <c>gethomecoachsdata</c>, errors included.</summary>
/// <param name="Data">Null if the body has no list <c>body.devices</c>.</param>
internal sealed record NetatmoResponse(StationsData? Data, NetatmoError? Error)
{
    /// <summary>Null if the JSON is not an object.</summary>
    public static NetatmoResponse? From(JsonElement? json) => JsonFields.Of(json) is { } response
        ? new(
            response.Object("body")?.Objects("devices") is { } devices ? new StationsData(devices, response.Number("time_server")) : null,
            NetatmoError.From(response["error"]))
        : null;
}

/// <summary>The API's errors are objects with a code; those of OAuth (RFC 6749 section 5.2) are strings.</summary>
internal sealed record NetatmoError(double? Code, string? Message)
{
    public static NetatmoError? From(JsonElement? json) => json is { ValueKind: JsonValueKind.String }
        ? new(null, ApiJson.Text(json))
        : JsonFields.Of(json) is { } error ? new(error.Number("code"), error.Text("message")) : null;
}

/// <summary>A JSON object. A member of an unexpected type reads as null and affects no other member.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> members;

    private JsonFields(JsonElement json)
    {
        members = new(json.GetPropertyCount());
        foreach (var member in json.EnumerateObject())
        {
            if (ApiJson.Name(member) is { } name)
            {
                members[name] = member.Value;
            }
        }
    }

    public JsonElement? this[string name] => members.TryGetValue(name, out var value) ? value : null;

    public static JsonFields? Of(JsonElement? json) => json is { ValueKind: JsonValueKind.Object } value ? new JsonFields(value) : null;

    public JsonFields? Object(string name) => Of(this[name]);

    /// <summary>The objects of an array, without its other items, each read on demand; null if there is no array.</summary>
    public IEnumerable<JsonFields>? Objects(string name) => this[name] is { ValueKind: JsonValueKind.Array } list
        ? list.EnumerateArray().Select(item => Of(item)).OfType<JsonFields>()
        : null;

    /// <summary>A finite number, or a string that contains one.</summary>
    public double? Number(string name) => Number(this[name]);

    /// <summary>The items of an array; an item that is not a number is null.</summary>
    public IReadOnlyList<double?> Numbers(string name) => this[name] is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Select(item => Number(item))]
        : [];

    /// <summary>A string that is not empty, or a number as text.</summary>
    public string? Text(string name) => this[name] is { ValueKind: JsonValueKind.Number }
        ? Number(name)?.ToString(CultureInfo.InvariantCulture)
        : ApiJson.Text(this[name]) is { Length: > 0 } text ? text : null;

    /// <summary>A Boolean, or 1 or 0 as a number or text.</summary>
    public bool? Flag(string name) => this[name] switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => Text(name) switch
        {
            "true" or "1" => true,
            "false" or "0" => false,
            _ => null,
        },
    };

    private static double? Number(JsonElement? json)
    {
        var isNumber = json is { ValueKind: JsonValueKind.Number } value
            ? value.TryGetDouble(out var number)
            : double.TryParse(ApiJson.Text(json), NumberStyles.Float, CultureInfo.InvariantCulture, out number);
        return isNumber && double.IsFinite(number) ? number : null;
    }
}

internal sealed class NetatmoResponseConverter : ElementConverter<NetatmoResponse>
{
    protected override NetatmoResponse? From(JsonElement json) => NetatmoResponse.From(json);
}

[JsonSerializable(typeof(NetatmoResponse))]
[JsonSourceGenerationOptions(Converters = [typeof(NetatmoResponseConverter)])]
internal sealed partial class NetatmoJson : JsonSerializerContext;
