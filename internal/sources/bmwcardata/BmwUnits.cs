using System.Collections.Frozen;

namespace Exporter.BmwCarData;

/// <summary>What is measured. Each has one base unit, in which it is exported.</summary>
internal enum Quantity
{
    /// <summary>As it is: a count, an angle.</summary>
    Plain,
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

/// <summary>BMW's units, each in all its spellings.</summary>
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
        (["month", "months"], new("months", Quantity.Plain, 1)),
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
        // BMW does not say which; of the two only the American one is a car's setting.
        (["gal", "gallon", "gallons"], new("gal", Quantity.Liters, 3.785411784)),
        (["degrees", "degree", "deg", "°"], new("degrees", Quantity.Plain, 1)),
    }.SelectMany(unit => unit.Spellings.Select(spelling => new { Spelling = spelling, unit.Unit })).ToFrozenDictionary(one => one.Spelling, one => one.Unit, StringComparer.OrdinalIgnoreCase);

    /// <summary>The signs of the units that names of metrics end in: our own names, and those that a mapping file may choose.</summary>
    public static FrozenDictionary<string, string> OfNames { get; } = new Dictionary<string, string>
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

    /// <summary>One spelling for each unit, so that a series does not become another one; a unit that we do not know stays as it is.</summary>
    public static string Fold(string? unit) => unit is null ? "" : Spellings.TryGetValue(unit, out var known) ? known.Name : unit;

    /// <summary>The value in the quantity's base unit; null when the unit is not known, or one of something else.</summary>
    public static double? ToBase(double value, string? unit, Quantity quantity) => quantity switch
    {
        Quantity.Plain => value,
        _ when unit is not null && Spellings.TryGetValue(unit, out var known) && known.Quantity == quantity => known.ToBase(value),
        _ => null,
    };

    private sealed record Unit(string Name, Quantity Quantity, double Factor)
    {
        public double Zero { get; init; }

        /// <summary>Through the reciprocal where that is the round number: 66 percent are 0.66, and 66 times 0.01 is not.</summary>
        public double ToBase(double value) => Factor < 1 && Math.Round(1 / Factor) is var divisor && Math.Abs((1 / Factor) - divisor) < 1e-9
            ? (value - Zero) / divisor
            : (value - Zero) * Factor;
    }
}
