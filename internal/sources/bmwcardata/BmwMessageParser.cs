using System.Globalization;
using System.Text.Json;

namespace Exporter.BmwCarData;

/// <summary>The value of a key.</summary>
internal abstract record BmwValue
{
    private BmwValue() { }

    /// <summary>The car has no value, or a placeholder.</summary>
    public sealed record None : BmwValue;

    /// <summary>Finite.</summary>
    public sealed record Number(double Value) : BmwValue;

    public sealed record Flag(bool Value) : BmwValue;

    /// <summary>An enumeration value or any other text.</summary>
    public sealed record Text(string Value) : BmwValue;

    /// <summary>The number, or 1 or 0 for a Boolean.</summary>
    public double? ToNumber() => this switch
    {
        Number(var number) => number,
        Flag(var flag) => flag ? 1 : 0,
        _ => null,
    };

    public string ToText() => this switch
    {
        Text(var text) => text,
        Number(var number) => number.ToString(CultureInfo.InvariantCulture),
        Flag(var flag) => flag ? "true" : "false",
        _ => "",
    };
}

/// <summary>The value of one key in a message.</summary>
/// <param name="Unit">In BMW's spelling; null if the message has none.</param>
/// <param name="At">When the car measured the value; null if the message has no time.</param>
internal sealed record BmwEntry(string Key, BmwValue Value, string? Unit, DateTimeOffset? At);

/// <summary>A message of the stream.</summary>
/// <param name="Vin">In upper case.</param>
/// <param name="At">When BMW sent it.</param>
/// <param name="InvalidEntries">The number of entries that the parser skipped.</param>
internal sealed record BmwMessage(string Vin, DateTimeOffset? At, IReadOnlyList<BmwEntry> Entries, int InvalidEntries);

/// <summary>
/// Parses <c>{"vin", "entityId", "topic", "timestamp", "data": {KEY: {"timestamp", "value", "unit"}}}</c>. An invalid member affects no other
/// member.
/// </summary>
internal static class BmwMessageParser
{
    /// <summary>BMW's longest keys have about 100 characters.</summary>
    private const int LongestKey = 200;

    /// <summary>The errors of messages, and <c>entry</c> for an invalid entry: values of a metric's label.</summary>
    public static IReadOnlyList<string> Errors { get; } = ["not_json", "no_vin", "no_data", "entry"];

    /// <param name="topic"><c>gcid/vin</c>: gives the car of a message without <c>vin</c>.</param>
    public static (BmwMessage? Message, string? Error) Parse(ReadOnlyMemory<byte> payload, string topic)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return Parse(document.RootElement, topic);
        }
        catch (JsonException)
        {
            return (null, "not_json");
        }
    }

    /// <inheritdoc cref="Parse(ReadOnlyMemory{byte}, string)"/>
    public static (BmwMessage? Message, string? Error) Parse(JsonElement message, string topic) =>
        message.ValueKind != JsonValueKind.Object ? (null, "not_json")
        : (Vin(Text(message, "vin")) ?? Vin(topic[(topic.LastIndexOf('/') + 1)..])) is not { } vin ? (null, "no_vin")
        : Json.Member(message, "data") is not { ValueKind: JsonValueKind.Object } data ? (null, "no_data")
        : (FromData(vin, data) with { At = Time(Text(message, "timestamp")) }, null);

    /// <param name="vin">In upper case.</param>
    /// <param name="data">An object in the format of the member <c>data</c>.</param>
    public static BmwMessage FromData(string vin, JsonElement data)
    {
        var entries = data.EnumerateObject().Select(Entry).ToList();
        return new(vin, null, [.. entries.OfType<BmwEntry>()], entries.Count(entry => entry is null));
    }

    /// <summary>Converts a text: BMW also writes numbers, Booleans and placeholders as text.</summary>
    public static BmwValue Value(string text) => text.Trim() switch
    {
        "" or "INVALID" or "-NA-" or "UNKNOWN" or "ASN_isUnknown" or "null" => new BmwValue.None(),
        "true" or "ASN_isTrue" => new BmwValue.Flag(true),
        "false" or "ASN_isFalse" => new BmwValue.Flag(false),
        var trimmed when double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) =>
            new BmwValue.Number(number),
        var trimmed => new BmwValue.Text(trimmed),
    };

    /// <summary>Converts ISO 8601 with a time zone; a time without one is null.</summary>
    public static DateTimeOffset? Time(string? text) =>
        text is [.., 'Z' or 'z'] or [.., '+' or '-', _, _, ':', _, _]
        && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;

    private static BmwEntry? Entry(JsonProperty property)
    {
        if (Json.Name(property) is not { Length: > 0 and <= LongestKey } key || property.Value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }
        BmwValue? value = Json.Member(property.Value, "value") switch
        {
            null or { ValueKind: JsonValueKind.Null } => new BmwValue.None(),
            { ValueKind: JsonValueKind.True } => new BmwValue.Flag(true),
            { ValueKind: JsonValueKind.False } => new BmwValue.Flag(false),
            { ValueKind: JsonValueKind.Number } json when json.TryGetDouble(out var n) && double.IsFinite(n) =>
                new BmwValue.Number(n),
            { ValueKind: JsonValueKind.Number } => new BmwValue.None(),
            { ValueKind: JsonValueKind.String } json => Json.Text(json) is { } text ? Value(text) : null,
            _ => null,
        };
        return value is null ? null : new BmwEntry(key, value, Unit(Text(property.Value, "unit")), Time(Text(property.Value, "timestamp")));
    }

    private static string? Text(JsonElement json, string name) => Json.Text(Json.Member(json, name));

    /// <summary>The unit of the odometer is the text "null" in BMW's catalogue.</summary>
    private static string? Unit(string? text) => text?.Trim() is { Length: > 0 and <= 32 } unit and not "null" ? unit : null;

    private static string? Vin(string? text) =>
        text is { Length: >= 5 and <= 17 } && text.All(char.IsAsciiLetterOrDigit) ? text.ToUpperInvariant() : null;
}
