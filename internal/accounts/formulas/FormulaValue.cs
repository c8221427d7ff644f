using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>
/// The values of formulas: null (absent), <see cref="string"/>, <see cref="double"/>, <see cref="bool"/>, a list (<c>object?[]</c>), and
/// <see cref="JsonElement"/>. A number of the JSON stays as it is written until a formula computes with it, so that long IDs keep all digits.
/// </summary>
public static class FormulaValue
{
    public static object? Of(JsonElement? json) =>
        json is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } element ? element : null;

    /// <summary>A finite number, also if it is a text; 1 for true and 0 for false.</summary>
    public static double? Number(object? value) => value switch
    {
        double number => double.IsFinite(number) ? number : null,
        bool flag => flag ? 1 : 0,
        string text => Parse(text),
        JsonElement { ValueKind: JsonValueKind.True } => 1,
        JsonElement { ValueKind: JsonValueKind.False } => 0,
        JsonElement { ValueKind: JsonValueKind.Number } json => json.TryGetDouble(out var number) && double.IsFinite(number) ? number : null,
        JsonElement { ValueKind: JsonValueKind.String } json => Json.Text(json) is { } text ? Parse(text) : null,
        _ => null,
    };

    /// <summary>A text; a number in digits; <c>true</c> or <c>false</c>.</summary>
    public static string? Text(object? value) => value switch
    {
        string text => text,
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        JsonElement { ValueKind: JsonValueKind.True } => "true",
        JsonElement { ValueKind: JsonValueKind.False } => "false",
        JsonElement json => Json.TextOrNumber(json),
        _ => null,
    };

    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool flag => flag,
        double number => number != 0,
        string text => text.Length > 0,
        object?[] list => list.Length > 0,
        JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.Object } => true,
        JsonElement { ValueKind: JsonValueKind.Number } => Number(value) is not (null or 0),
        JsonElement { ValueKind: JsonValueKind.String } json => Json.Text(json)?.Length > 0,
        JsonElement { ValueKind: JsonValueKind.Array } json => json.GetArrayLength() > 0,
        _ => false,
    };

    /// <summary>The items of a list with their indexes, or the values of an object with their names. Empty for any other value.</summary>
    public static IEnumerable<FormulaItem> Items(object? value)
    {
        var i = 0;
        switch (value)
        {
            case JsonElement { ValueKind: JsonValueKind.Array } json:
                foreach (var item in json.EnumerateArray())
                {
                    yield return new FormulaItem((double)i++, Of(item));
                }
                break;
            case JsonElement { ValueKind: JsonValueKind.Object } json:
                foreach (var member in json.EnumerateObject())
                {
                    yield return new FormulaItem(Json.Name(member) ?? "", Of(member.Value));
                }
                break;
            case object?[] list:
                foreach (var item in list)
                {
                    yield return new FormulaItem((double)i++, item);
                }
                break;
        }
    }

    public static bool IsList(object? value) => value is object?[] or JsonElement { ValueKind: JsonValueKind.Array };

    /// <summary>The number of items; null if it is neither a list nor an object.</summary>
    internal static int? Count(object? value) => value switch
    {
        object?[] list => list.Length,
        JsonElement { ValueKind: JsonValueKind.Array } json => json.GetArrayLength(),
        JsonElement { ValueKind: JsonValueKind.Object } json => json.GetPropertyCount(),
        _ => null,
    };

    /// <summary>Whether it is a text of the JSON or of the formula.</summary>
    internal static bool IsText(object? value) => value is string or JsonElement { ValueKind: JsonValueKind.String };

    /// <summary>Whether both are the same text, the same number, the same Boolean, equal JSON, or absent.</summary>
    internal static bool AreEqual(object? one, object? other) => (one, other) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        _ when IsText(one) || IsText(other) => IsText(one) && IsText(other) && Text(one) == Text(other),
        _ when IsFlag(one) || IsFlag(other) => IsFlag(one) && IsFlag(other) && Number(one) == Number(other),
        // Long IDs differ only in digits that a double does not have.
        (JsonElement { ValueKind: JsonValueKind.Number } a, JsonElement { ValueKind: JsonValueKind.Number } b) => JsonElement.DeepEquals(a, b),
        _ when Number(one) is { } a && Number(other) is { } b => a == b,
        (JsonElement a, JsonElement b) => JsonElement.DeepEquals(a, b),
        _ => false,
    };

    /// <summary>Whether two items of loops are equal; it takes steps of the scope.</summary>
    /// <exception cref="FormulaLimitException">See <see cref="Formula.Evaluate"/>.</exception>
    public static bool AreSame(object? one, object? other, FormulaScope scope)
    {
        scope.Steps.Take(CostOfReading(one));
        return AreEqual(one, other);
    }

    /// <summary>Negative if the first is smaller. Null if they are neither both texts nor both numbers.</summary>
    internal static int? Compare(object? one, object? other) =>
        IsText(one) && IsText(other) ? string.CompareOrdinal(Text(one), Text(other))
        : Number(one) is { } a && Number(other) is { } b ? a.CompareTo(b)
        : null;

    /// <summary>The steps to find an item of a value: JSON is searched from its start.</summary>
    internal static int CostOfLookup(object? value) => 1 + ((Count(value) ?? 0) / 16);

    /// <summary>The steps to read a whole value.</summary>
    internal static int CostOfReading(object? value) => value switch
    {
        string text => 1 + (text.Length / 16),
        JsonElement json => 1 + (JsonMarshal.GetRawUtf8Value(json).Length / 16),
        _ => 1,
    };

    private static bool IsFlag(object? value) => value is bool or JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False };

    private static double? Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}

/// <param name="Key">An index or the name of a member.</param>
public sealed record FormulaItem(object Key, object? Value);
