namespace Exporter.Accounts;

/// <summary>Converts to the base units of Prometheus, by the words that APIs use for a unit.</summary>
internal static class FormulaUnits
{
    private static readonly Unit[] Known =
    [
        new(["celsius", "°c", "c"], 1),
        new(["seconds", "second", "s"], 1),
        new(["minutes", "minute", "min"], 60),
        new(["hours", "hour", "h"], 3600),
        new(["days", "day", "d"], 86400),
        new(["milliseconds", "ms"], 0.001),
        new(["joules", "joule", "j"], 1),
        new(["watthour", "watthours", "wh"], 3600),
        new(["kilowatthour", "kilowatthours", "kwh"], 3.6e6),
        new(["watt", "watts", "w"], 1),
        new(["kilowatt", "kilowatts", "kw"], 1000),
        new(["volt", "volts", "v"], 1),
        new(["ampere", "amperes", "a"], 1),
        new(["pascal", "pascals", "pa"], 1),
        new(["hectopascal", "hpa", "mbar"], 100),
        new(["bar"], 1e5),
        new(["percent", "%"], 0.01),
        new(["meters", "meter", "m"], 1),
        new(["kilometers", "kilometer", "km"], 1000),
        new(["kilograms", "kilogram", "kg"], 1000),
        new(["grams", "gram", "g"], 1),
        new(["liters", "liter", "l"], 1),
        new(["bytes", "byte"], 1),
    ];

    /// <summary>The first word of each unit, for the documentation.</summary>
    public static string Names { get; } = string.Join(", ", Known.Select(unit => unit.Words[0]).Append("fahrenheit").Append("kelvin"));

    /// <summary>Case does not matter. Null for an unknown unit.</summary>
    public static double? ToBase(double? value, string? unit) => unit?.Trim().ToLowerInvariant() switch
    {
        null => null,
        "fahrenheit" or "°f" or "f" => (value - 32) / 1.8,
        "kelvin" or "k" => value - 273.15,
        var word => value * Array.Find(Known, known => known.Words.Contains(word))?.Factor,
    };

    private sealed record Unit(string[] Words, double Factor);
}
