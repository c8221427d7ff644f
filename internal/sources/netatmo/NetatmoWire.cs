using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Netatmo;

/// <summary>The answer of getstationsdata and of gethomecoachsdata as it comes, an error included. Every member may be missing.</summary>
internal sealed record WireAnswer
{
    [JsonConverter(typeof(LenientObject<WireBody>))]
    public WireBody? Body { get; init; }

    [JsonConverter(typeof(LenientError))]
    public WireError? Error { get; init; }

    public double? TimeServer { get; init; }
}

internal sealed record WireBody
{
    public IReadOnlyList<WireModule>? Devices { get; init; }
}

internal sealed record WireError
{
    public double? Code { get; init; }

    public string? Message { get; init; }
}

/// <summary>A base station, a Home Coach, or one of a station's modules: they differ only in which members they have.</summary>
internal sealed record WireModule
{
    [JsonPropertyName("_id")]
    public string? Id { get; init; }

    public string? Type { get; init; }

    public string? Name { get; init; }

    public string? ModuleName { get; init; }

    public string? StationName { get; init; }

    public string? HomeId { get; init; }

    public string? HomeName { get; init; }

    public double? Firmware { get; init; }

    public bool? Reachable { get; init; }

    public double? LastSeen { get; init; }

    public double? LastStatusStore { get; init; }

    public double? WifiStatus { get; init; }

    public double? RfStatus { get; init; }

    public double? BatteryVp { get; init; }

    public double? BatteryPercent { get; init; }

    public bool? Co2Calibrating { get; init; }

    public bool? Favorite { get; init; }

    public bool? ReadOnly { get; init; }

    [JsonConverter(typeof(LenientObject<WirePlace>))]
    public WirePlace? Place { get; init; }

    [JsonConverter(typeof(LenientObject<WireDashboard>))]
    public WireDashboard? DashboardData { get; init; }

    public IReadOnlyList<WireModule>? Modules { get; init; }
}

internal sealed record WirePlace
{
    public string? City { get; init; }

    public string? Country { get; init; }

    public string? Timezone { get; init; }

    public double? Altitude { get; init; }

    /// <summary>Longitude, then latitude.</summary>
    public IReadOnlyList<double?>? Location { get; init; }
}

internal sealed record WireDashboard
{
    public double? TimeUtc { get; init; }

    [JsonPropertyName("Temperature")]
    public double? Temperature { get; init; }

    public double? MinTemp { get; init; }

    public double? MaxTemp { get; init; }

    public double? DateMinTemp { get; init; }

    public double? DateMaxTemp { get; init; }

    public string? TempTrend { get; init; }

    [JsonPropertyName("Humidity")]
    public double? Humidity { get; init; }

    [JsonPropertyName("CO2")]
    public double? Co2 { get; init; }

    [JsonPropertyName("Noise")]
    public double? Noise { get; init; }

    [JsonPropertyName("Pressure")]
    public double? Pressure { get; init; }

    [JsonPropertyName("AbsolutePressure")]
    public double? AbsolutePressure { get; init; }

    public string? PressureTrend { get; init; }

    public double? HealthIdx { get; init; }

    [JsonPropertyName("Rain")]
    public double? Rain { get; init; }

    [JsonPropertyName("sum_rain_1")]
    public double? RainLastHour { get; init; }

    [JsonPropertyName("sum_rain_24")]
    public double? RainToday { get; init; }

    [JsonPropertyName("WindStrength")]
    public double? WindStrength { get; init; }

    [JsonPropertyName("WindAngle")]
    public double? WindAngle { get; init; }

    [JsonPropertyName("GustStrength")]
    public double? GustStrength { get; init; }

    [JsonPropertyName("GustAngle")]
    public double? GustAngle { get; init; }

    public double? MaxWindStr { get; init; }

    public double? MaxWindAngle { get; init; }

    public double? DateMaxWindStr { get; init; }
}

/// <summary>The API's own errors are objects with a code; those of OAuth (RFC 6749 section 5.2) are a word.</summary>
internal sealed class LenientError : Lenient<WireError?>
{
    private static readonly LenientObject<WireError> Object = new();

    public override WireError? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
            ? new WireError { Message = TextOf(ref reader) }
            : Object.Read(ref reader, typeToConvert, options);
}

[JsonSerializable(typeof(WireAnswer))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters =
    [
        typeof(LenientNumber), typeof(LenientText), typeof(LenientFlag), typeof(LenientNumbers), typeof(LenientObjects<WireModule>),
    ])]
internal sealed partial class NetatmoJson : JsonSerializerContext;
