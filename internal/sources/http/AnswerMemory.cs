using System.Runtime.InteropServices;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>Writes answers as JSON, and reads them with the same types: <c>{"json":…}</c> is the provider's JSON as it was received.</summary>
internal static class AnswerMemory
{
    public static void Write(Utf8JsonWriter writer, IEnumerable<(string Key, CachedAnswer Answer)> answers)
    {
        writer.WriteStartArray();
        foreach (var (key, answer) in answers)
        {
            writer.WriteStartObject();
            writer.WriteString("key", key);
            writer.WriteString("at", answer.At);
            writer.WriteBoolean("is_read", answer.IsRead);
            writer.WritePropertyName("value");
            Write(writer, answer.Value);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    /// <exception cref="JsonException">It is not a list of answers.</exception>
    public static IReadOnlyList<(string Key, CachedAnswer Answer)> Read(JsonElement json) =>
    [
        .. from item in Json.Items(json) ?? throw new JsonException()
           select (
               Member(item, "key").GetString() ?? throw new JsonException(),
               new CachedAnswer(Value(Member(item, "value")), Member(item, "at").GetDateTimeOffset(), Member(item, "is_read").GetBoolean())),
    ];

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        if (value is null)
        {
            writer.WriteNullValue();
            return;
        }
        writer.WriteStartObject();
        switch (value)
        {
            case JsonElement json:
                writer.WritePropertyName("json");
                // Written again, a text that is not valid Unicode would fail, and a number could lose digits.
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(json), skipInputValidation: true);
                break;
            case bool flag:
                writer.WriteBoolean("flag", flag);
                break;
            case double number when double.IsFinite(number):
                writer.WriteNumber("number", number);
                break;
            case object?[] list:
                writer.WriteStartArray("list");
                Array.ForEach(list, item => Write(writer, item));
                writer.WriteEndArray();
                break;
            default:
                writer.WriteString("text", FormulaValue.Text(value));
                break;
        }
        writer.WriteEndObject();
    }

    private static JsonElement Member(JsonElement item, string name) => Json.Member(item, name) ?? throw new JsonException();

    private static object? Value(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }
        using var members = value.EnumerateObject();
        return (members.MoveNext() ? members.Current : throw new JsonException()) switch
        {
            { Name: "json", Value: var json } => FormulaValue.Of(json.Clone()),
            { Name: "flag", Value: var flag } => flag.GetBoolean(),
            { Name: "number", Value: var number } => number.GetDouble(),
            { Name: "list", Value: var list } => list.EnumerateArray().Select(Value).ToArray(),
            { Name: "text", Value: var text } => text.GetString(),
            _ => throw new JsonException(),
        };
    }
}
