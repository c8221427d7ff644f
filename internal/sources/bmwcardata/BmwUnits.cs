using System.Collections.Frozen;

namespace Exporter.BmwCarData;

/// <summary>A physical quantity. Each is exported in one base unit.</summary>
internal enum Quantity
{
    /// <summary>Without conversion: a count.</summary>
    None,

    /// <summary>Without conversion: an angle.</summary>
    Degrees,
    Ratio,
    Meters,
    MetersPerSecond,
    Seconds,
    Joules,
    JoulesPerMeter,
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

    private static readonly FrozenDictionary<string, Unit> Spellings = new Unit[]
    {
        new(["percent", "%"], Quantity.Ratio, 0.01),
        new(["km", "kilometer", "kilometers"], Quantity.Meters, 1000),
        new(["m", "meter", "meters"], Quantity.Meters, 1),
        new(["mi", "mile", "miles"], Quantity.Meters, Mile),
        new(["ft", "feet", "foot"], Quantity.Meters, 0.3048),
        new(["km/h", "kmh", "kph"], Quantity.MetersPerSecond, 1 / 3.6),
        new(["mph", "mi/h", "miles/h"], Quantity.MetersPerSecond, Mile / 3600),
        new(["m/s"], Quantity.MetersPerSecond, 1),
        new(["s", "sec", "second", "seconds"], Quantity.Seconds, 1),
        new(["min", "minute", "minutes"], Quantity.Seconds, 60),
        new(["h", "hour", "hours"], Quantity.Seconds, 3600),
        new(["d", "day", "days"], Quantity.Seconds, 86_400),
        new(["weeks", "week"], Quantity.Seconds, 604_800),
        // A twelfth of a year.
        new(["months", "month"], Quantity.Seconds, 2_629_746),
        new(["kWh"], Quantity.Joules, 3.6e6),
        new(["Wh"], Quantity.Joules, 3600),
        new(["kWh/100km", "kWh/100 km"], Quantity.JoulesPerMeter, 36),
        new(["kWh/62mi", "kWh/62 mi"], Quantity.JoulesPerMeter, 3.6e6 / (62 * Mile)),
        new(["kWh/100mi", "kWh/100 mi"], Quantity.JoulesPerMeter, 3.6e6 / (100 * Mile)),
        new(["mi/kWh", "miles/kWh"], Quantity.JoulesPerMeter, 3.6e6 / Mile, IsInverse: true),
        new(["km/kWh"], Quantity.JoulesPerMeter, 3600, IsInverse: true),
        new(["kW"], Quantity.Watts, 1000),
        new(["W", "watt", "watts"], Quantity.Watts, 1),
        new(["V", "volt", "volts"], Quantity.Volts, 1),
        new(["mV"], Quantity.Volts, 0.001),
        new(["A", "ampere", "amperes", "amp"], Quantity.Amperes, 1),
        new(["kPa"], Quantity.Pascals, 1000),
        new(["bar"], Quantity.Pascals, 100_000),
        new(["psi"], Quantity.Pascals, 6894.757293168),
        new(["celsius", "degc", "°c", "c"], Quantity.Celsius, 1),
        new(["fahrenheit", "degf", "°f", "f"], Quantity.Celsius, 5 / 9.0, Zero: 32),
        new(["l", "liter", "liters", "litre", "litres"], Quantity.Liters, 1),
        // BMW does not specify the gallon; only the US gallon is a setting of a car.
        new(["gal", "gallon", "gallons"], Quantity.Liters, 3.785411784),
        new(["degrees", "degree", "deg", "°"], Quantity.Degrees, 1),
    }.SelectMany(unit => unit.Spellings.Select(spelling => KeyValuePair.Create(spelling, unit)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns one spelling for each unit, so that the labels of a series are stable. An unknown unit stays unchanged.</summary>
    public static string Normalize(string? unit) => unit is null ? "" : Spellings.TryGetValue(unit, out var known) ? known.Spellings[0] : unit;

    /// <summary>Converts to the base unit; null if the unit is unknown or belongs to another quantity.</summary>
    public static double? ToBase(double value, string? unit, Quantity quantity) => quantity switch
    {
        Quantity.None or Quantity.Degrees => value,
        _ when unit is not null && Spellings.TryGetValue(unit, out var known) && known.Quantity == quantity => known.ToBase(value),
        _ => null,
    };

    /// <param name="Spellings">The first is that of labels.</param>
    /// <param name="IsInverse">Whether a larger value means less, such as a distance for each kWh.</param>
    private sealed record Unit(string[] Spellings, Quantity Quantity, double Factor, double Zero = 0, bool IsInverse = false)
    {
        /// <summary>Divides by a whole number if possible: 66 / 100 is 0.66, but 66 * 0.01 is not.</summary>
        public double? ToBase(double value) => IsInverse ? value == 0 ? null : Factor / value
            : Factor < 1 && Math.Round(1 / Factor) is var divisor && Math.Abs((1 / Factor) - divisor) < 1e-9
            ? (value - Zero) / divisor
            : (value - Zero) * Factor;
    }
}
