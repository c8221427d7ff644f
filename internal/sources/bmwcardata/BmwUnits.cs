using System.Collections.Frozen;

namespace Exporter.BmwCarData;

/// <summary>A physical quantity. Each is exported in one base unit.</summary>
internal enum Quantity
{
    /// <summary>Without conversion: a count or an angle.</summary>
    None,
    Ratio,
    Meters,
    MetersPerSecond,
    Seconds,
    Joules,
    Watts,
    Volts,
    Amperes,
    Pascals,
    Celsius,
    Liters,
}

/// <summary>BMW's units, with all spellings of each.</summary>
internal static class BmwUnits
{
    private const double Mile = 1609.344;

    private static readonly FrozenDictionary<string, Unit> Spellings = new (string[] Spellings, Unit Unit)[]
    {
        (["percent", "%"], new("percent", Quantity.Ratio, 0.01)),
        (["km", "kilometer", "kilometers"], new("km", Quantity.Meters, 1000)),
        (["m", "meter", "meters"], new("m", Quantity.Meters, 1)),
        (["mi", "mile", "miles"], new("mi", Quantity.Meters, Mile)),
        (["ft", "feet", "foot"], new("ft", Quantity.Meters, 0.3048)),
        (["km/h", "kmh", "kph"], new("km/h", Quantity.MetersPerSecond, 1 / 3.6)),
        (["mph", "mi/h", "miles/h"], new("mph", Quantity.MetersPerSecond, Mile / 3600)),
        (["m/s"], new("m/s", Quantity.MetersPerSecond, 1)),
        (["s", "sec", "second", "seconds"], new("s", Quantity.Seconds, 1)),
        (["min", "minute", "minutes"], new("min", Quantity.Seconds, 60)),
        (["h", "hour", "hours"], new("h", Quantity.Seconds, 3600)),
        (["d", "day", "days"], new("d", Quantity.Seconds, 86_400)),
        (["week", "weeks"], new("weeks", Quantity.Seconds, 604_800)),
        (["month", "months"], new("months", Quantity.None, 1)),
        (["kwh"], new("kWh", Quantity.Joules, 3.6e6)),
        (["wh"], new("Wh", Quantity.Joules, 3600)),
        (["kw"], new("kW", Quantity.Watts, 1000)),
        (["w", "watt", "watts"], new("W", Quantity.Watts, 1)),
        (["v", "volt", "volts"], new("V", Quantity.Volts, 1)),
        (["mv"], new("mV", Quantity.Volts, 0.001)),
        (["a", "ampere", "amperes", "amp"], new("A", Quantity.Amperes, 1)),
        (["kpa"], new("kPa", Quantity.Pascals, 1000)),
        (["bar"], new("bar", Quantity.Pascals, 100_000)),
        (["psi"], new("psi", Quantity.Pascals, 6894.757293168)),
        (["celsius", "degc", "°c", "c"], new("celsius", Quantity.Celsius, 1)),
        (["fahrenheit", "degf", "°f", "f"], new("fahrenheit", Quantity.Celsius, 5 / 9.0) { Zero = 32 }),
        (["l", "liter", "liters", "litre", "litres"], new("l", Quantity.Liters, 1)),
        // BMW does not specify the gallon; only the US gallon is a setting of a car.
        (["gal", "gallon", "gallons"], new("gal", Quantity.Liters, 3.785411784)),
        (["degrees", "degree", "deg", "°"], new("degrees", Quantity.None, 1)),
    }.SelectMany(unit => unit.Spellings.Select(spelling => KeyValuePair.Create(spelling, unit.Unit)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Unit symbols by the suffix of a metric name, including names that a mapping file can choose.</summary>
    public static FrozenDictionary<string, string> Symbols { get; } = new Dictionary<string, string>
    {
        ["bar"] = "bar",
        ["degrees"] = "°",
        ["hours"] = "h",
        ["kilometers"] = "km",
        ["kilopascals"] = "kPa",
        ["kilowatts"] = "kW",
        ["kph"] = "km/h",
        ["kwh"] = "kWh",
        ["liters"] = "l",
        ["minutes"] = "min",
        ["pascals"] = "Pa",
        ["percent"] = "%",
        ["watthours"] = "Wh",
        ["watts"] = "W",
    }.ToFrozenDictionary();

    /// <summary>Returns one spelling for each unit, so that the labels of a series are stable. An unknown unit stays unchanged.</summary>
    public static string Normalize(string? unit) => unit is null ? "" : Spellings.TryGetValue(unit, out var known) ? known.Name : unit;

    /// <summary>Converts to the base unit; null if the unit is unknown or belongs to another quantity.</summary>
    public static double? ToBase(double value, string? unit, Quantity quantity) => quantity switch
    {
        Quantity.None => value,
        _ when unit is not null && Spellings.TryGetValue(unit, out var known) && known.Quantity == quantity => known.ToBase(value),
        _ => null,
    };

    private sealed record Unit(string Name, Quantity Quantity, double Factor)
    {
        public double Zero { get; init; }

        /// <summary>Divides by a whole number if possible: 66 / 100 is 0.66, but 66 * 0.01 is not.</summary>
        public double ToBase(double value) => Factor < 1 && Math.Round(1 / Factor) is var divisor && Math.Abs((1 / Factor) - divisor) < 1e-9
            ? (value - Zero) / divisor
            : (value - Zero) * Factor;
    }
}
