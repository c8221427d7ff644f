using System.Globalization;
using System.Text.Json;
using Exporter.Accounts;

namespace Exporter.BmwCarData;

/// <summary>What a key of a car has as its value.</summary>
internal abstract record BmwValue
{
    private BmwValue() { }

    /// <summary>The car does not know, or the value means nothing.</summary>
    public sealed record None : BmwValue;

    /// <summary>Finite.</summary>
    public sealed record Number(double Value) : BmwValue;

    public sealed record Flag(bool Value) : BmwValue;

    /// <summary>A word out of a set that only BMW knows, or any other text.</summary>
    public sealed record Text(string Value) : BmwValue;
}

/// <summary>One key's reading.</summary>
/// <param name="Unit">As BMW spells it; null where it does not say.</param>
/// <param name="At">When the car read it; null where the message does not say.</param>
internal sealed record BmwEntry(string Key, BmwValue Value, string? Unit, DateTimeOffset? At);

/// <summary>What a payload of the stream is.</summary>
internal abstract record BmwDelivery
{
    private BmwDelivery() { }

    /// <param name="Vin">In upper case.</param>
    /// <param name="At">When BMW sent it.</param>
    /// <param name="Odd">How many entries were none.</param>
    public sealed record Message(string Vin, DateTimeOffset? At, IReadOnlyList<BmwEntry> Entries, int Odd) : BmwDelivery;

    /// <param name="Reason">A word for a metric's label, of <see cref="BmwMessage.Problems"/>.</param>
    public sealed record Unreadable(string Reason) : BmwDelivery;
}

/// <summary>
/// Reads what the stream delivers: <c>{"vin", "entityId", "topic", "timestamp", "data": {KEY: {"timestamp", "value", "unit"}}}</c>. Whatever
/// is not as it should be costs itself and nothing else.
/// </summary>
internal static class BmwMessage
{
    /// <summary>Longer keys are none of BMW's, whose longest have about a hundred characters.</summary>
    private const int LongestKey = 200;

    /// <summary>Every reason for which a message is unreadable, and <c>entry</c> for a part of one.</summary>
    public static IReadOnlyList<string> Problems { get; } = ["not_json", "no_vin", "no_data", "entry"];

    /// <param name="topic">Where it came: <c>gcid/vin</c>, for a message that does not name its car.</param>
    public static BmwDelivery Read(ReadOnlyMemory<byte> payload, string topic)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return Read(document.RootElement, topic);
        }
        catch (JsonException)
        {
            return new BmwDelivery.Unreadable("not_json");
        }
    }

    /// <summary>Of a message that was parsed; also of one that is kept by us.</summary>
    public static BmwDelivery Read(JsonElement message, string topic)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return new BmwDelivery.Unreadable("not_json");
        }
        if ((Vin(ApiJson.Text(ApiJson.Member(message, "vin"))) ?? Vin(topic[(topic.LastIndexOf('/') + 1)..])) is not { } vin)
        {
            return new BmwDelivery.Unreadable("no_vin");
        }
        if (ApiJson.Member(message, "data") is not { ValueKind: JsonValueKind.Object } data)
        {
            return new BmwDelivery.Unreadable("no_data");
        }
        var entries = new List<BmwEntry>();
        var odd = 0;
        foreach (var property in data.EnumerateObject())
        {
            if (Entry(property) is { } entry)
            {
                entries.Add(entry);
            }
            else
            {
                odd++;
            }
        }
        return new BmwDelivery.Message(vin, Time(ApiJson.Member(message, "timestamp")), entries, odd);
    }

    /// <summary>A text as BMW writes values into it: numbers, truth and placeholders too.</summary>
    public static BmwValue Value(string text) => text.Trim() switch
    {
        "" or "INVALID" or "-NA-" or "UNKNOWN" or "ASN_isUnknown" or "null" => new BmwValue.None(),
        "true" or "ASN_isTrue" => new BmwValue.Flag(true),
        "false" or "ASN_isFalse" => new BmwValue.Flag(false),
        var word when double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => new BmwValue.Number(number),
        var word => new BmwValue.Text(word),
    };

    /// <summary>ISO 8601 with a zone; a time without one is none.</summary>
    public static DateTimeOffset? Time(string? text) =>
        text is [.., 'Z' or 'z'] or [.., '+' or '-', _, _, ':', _, _]
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    private static DateTimeOffset? Time(JsonElement? element) => Time(ApiJson.Text(element));

    private static BmwEntry? Entry(JsonProperty property)
    {
        if (ApiJson.Name(property) is not { Length: > 0 and <= LongestKey } key || property.Value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }
        BmwValue? value = ApiJson.Member(property.Value, "value") switch
        {
            null or { ValueKind: JsonValueKind.Null } => new BmwValue.None(),
            { ValueKind: JsonValueKind.True } => new BmwValue.Flag(true),
            { ValueKind: JsonValueKind.False } => new BmwValue.Flag(false),
            { ValueKind: JsonValueKind.Number } number => number.TryGetDouble(out var read) && double.IsFinite(read) ? new BmwValue.Number(read) : new BmwValue.None(),
            { ValueKind: JsonValueKind.String } text => ApiJson.Text(text) is { } read ? Value(read) : null,
            _ => null,
        };
        return value is null ? null : new BmwEntry(key, value, Unit(ApiJson.Text(ApiJson.Member(property.Value, "unit"))), Time(ApiJson.Member(property.Value, "timestamp")));
    }

    /// <summary>The catalogue calls the odometer's unit by the word "null".</summary>
    private static string? Unit(string? text) => text?.Trim() is { Length: > 0 and <= 32 } unit and not "null" ? unit : null;

    /// <summary>Lenient as BMW is strict: 17 characters today.</summary>
    private static string? Vin(string? text) =>
        text is { Length: >= 5 and <= 17 } && text.All(char.IsAsciiLetterOrDigit) ? text.ToUpperInvariant() : null;
}
