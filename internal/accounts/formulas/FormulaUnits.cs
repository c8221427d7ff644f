using System.Collections.Frozen;

namespace Exporter.Accounts;

/// <summary>Converts to the base units of Prometheus, by the words that APIs use for a unit.</summary>
internal static class FormulaUnits
{
    private static readonly (string[] Words, double Factor)[] Known =
    [
        (["celsius", "°c", "c"], 1),
        (["seconds", "second", "s"], 1),
        (["minutes", "minute", "min"], 60),
        (["hours", "hour", "h"], 3600),
        (["days", "day", "d"], 86400),
        (["milliseconds", "ms"], 0.001),
        (["joules", "joule", "j"], 1),
        (["watthour", "watthours", "wh"], 3600),
        (["kilowatthour", "kilowatthours", "kwh"], 3.6e6),
        (["watt", "watts", "w"], 1),
        (["kilowatt", "kilowatts", "kw"], 1000),
        (["volt", "volts", "v"], 1),
        (["ampere", "amperes", "a"], 1),
        (["pascal", "pascals", "pa"], 1),
        (["hectopascal", "hpa", "mbar"], 100),
        (["bar"], 1e5),
        (["percent", "%"], 0.01),
        (["meters", "meter", "m"], 1),
        (["kilometers", "kilometer", "km"], 1000),
        (["kilograms", "kilogram", "kg"], 1),
        (["grams", "gram", "g"], 0.001),
        (["liters", "liter", "l"], 1),
        (["bytes", "byte"], 1),
    ];

    private static readonly FrozenDictionary<string, double> Factors =
        Known.SelectMany(unit => unit.Words.Select(word => KeyValuePair.Create(word, unit.Factor)))
            .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The first word of each unit, for the documentation.</summary>
    public static string Names { get; } = string.Join(", ", Known.Select(unit => unit.Words[0]).Append("fahrenheit").Append("kelvin"));

    /// <summary>Case does not matter. Null for an unknown unit.</summary>
    public static double? ToBase(double? value, string? unit) => unit?.Trim().ToLowerInvariant() switch
    {
        null => null,
        "fahrenheit" or "°f" or "f" => (value - 32) / 1.8,
        "kelvin" or "k" => value - 273.15,
        var word => Factors.TryGetValue(word, out var factor) ? value * factor : null,
    };
}
