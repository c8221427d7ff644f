using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Exporter.Netatmo;

/// <summary>Reads what it can use and steps over the rest: a value of an unexpected type is no value, and costs nothing beside it.</summary>
internal abstract class Lenient<T> : JsonConverter<T>
{
    public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        throw new NotSupportedException("The provider's answers are only read.");

    protected static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, or bytes that are no UTF-8: no text, but no reason to lose the document.
            return null;
        }
    }
}

/// <summary>A finite number, also one written as text.</summary>
internal sealed class LenientNumber : Lenient<double?>
{
    public override double? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        double number;
        switch (reader.TokenType)
        {
            case JsonTokenType.Number when reader.TryGetDouble(out number):
            case JsonTokenType.String when double.TryParse(TextOf(ref reader), NumberStyles.Float, CultureInfo.InvariantCulture, out number):
                return double.IsFinite(number) ? number : null;
            default:
                reader.Skip();
                return null;
        }
    }
}

/// <summary>A text that is not empty, also one written as a number.</summary>
internal sealed class LenientText : Lenient<string?>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return TextOf(ref reader) is { Length: > 0 } text ? text : null;
            case JsonTokenType.Number when reader.TryGetDouble(out var number) && double.IsFinite(number):
                return number.ToString(CultureInfo.InvariantCulture);
            default:
                reader.Skip();
                return null;
        }
    }
}

internal sealed class LenientFlag : Lenient<bool?>
{
    public override bool? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            case JsonTokenType.Number when reader.TryGetDouble(out var number):
                return Flag(number.ToString(CultureInfo.InvariantCulture));
            case JsonTokenType.String:
                return Flag(TextOf(ref reader));
            default:
                reader.Skip();
                return null;
        }
    }

    private static bool? Flag(string? text) => text switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => null,
    };
}

/// <summary>An object, read by the generated code; whatever is no object is nothing.</summary>
internal sealed class LenientObject<T> : Lenient<T?> where T : class
{
    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T)));
        }
        reader.Skip();
        return null;
    }
}

/// <summary>The objects of an array: items of another type are left out, and whatever is no array is nothing.</summary>
internal sealed class LenientObjects<T> : Lenient<IReadOnlyList<T>?> where T : class
{
    public override IReadOnlyList<T>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }
        var type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        var items = new List<T>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject && JsonSerializer.Deserialize(ref reader, type) is { } item)
            {
                items.Add(item);
            }
            else
            {
                reader.Skip();
            }
        }
        return items;
    }
}

/// <summary>The numbers of an array, each in its place: an item that is no number leaves its place empty.</summary>
internal sealed class LenientNumbers : Lenient<IReadOnlyList<double?>?>
{
    private static readonly LenientNumber Number = new();

    public override IReadOnlyList<double?>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }
        var items = new List<double?>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(Number.Read(ref reader, typeof(double?), options));
        }
        return items;
    }
}
