namespace Exporter.BmwCarData;

/// <summary>Converts base units to the units that people read.</summary>
internal static class BmwDisplay
{
    private const double Mile = 1609.344;

    /// <param name="value">In the base unit.</param>
    /// <param name="inMiles">Whether the car shows miles.</param>
    /// <param name="isAltitude">Whether it is a height, which is in meters in every car.</param>
    /// <returns>Rounded to what a car measures; null if the value is too large for a number.</returns>
    public static ReadingValue.Number? Of(double value, Quantity quantity, bool inMiles, bool isAltitude)
    {
        var (unit, perUnit, decimals) = quantity switch
        {
            Quantity.Ratio => ("%", 0.01, 1),
            Quantity.Meters when isAltitude => ("m", 1, 0),
            Quantity.Meters => inMiles ? ("mi", Mile, 1) : ("km", 1000, 1),
            Quantity.MetersPerSecond => inMiles ? ("mph", Mile / 3600, 0) : ("km/h", 1 / 3.6, 0),
            Quantity.Seconds => Math.Abs(value) switch
            {
                < 7200 => ("min", 60, 0),
                < 172_800 => ("h", 3600, 1),
                _ => ("days", 86_400, 0),
            },
            Quantity.Joules => ("kWh", 3.6e6, 1),
            Quantity.JoulesPerMeter => inMiles ? ("kWh/100 mi", 3.6e6 / (100 * Mile), 1) : ("kWh/100 km", 36, 1),
            Quantity.Watts => ("kW", 1000, 2),
            Quantity.Volts => ("V", 1, 2),
            Quantity.Amperes => ("A", 1, 1),
            Quantity.Pascals => ("bar", 100_000, 2),
            Quantity.Celsius => ("°C", 1, 1),
            Quantity.Liters => ("l", 1, 1),
            Quantity.Degrees => ("°", 1, 5),
            _ => ("", 1.0, 2),
        };
        var shown = Math.Round(value / perUnit, decimals);
        return double.IsFinite(shown)
            ? new(shown, unit, Enumerable.Range(0, decimals).FirstOrDefault(fewer => Math.Round(shown, fewer) == shown, decimals))
            : null;
    }
}
