using System.Globalization;

namespace Exporter.Http;

/// <summary>How people read a metric: by its name, unless the module says otherwise.</summary>
internal static class MetricDisplays
{
    /// <summary>The ends of names, and how people read a value of that unit.</summary>
    private static readonly KnownUnit[] Units =
    [
        new("_celsius", "°C", 1, 1), new("_fahrenheit", "°F", 1, 1), new("_ratio", "%", 100, 0), new("_percent", "%", 1, 0),
            new("_joules", "kWh", 1 / 3.6e6, 2),
        new("_watts", "W", 1, 0), new("_volts", "V", 1, 2), new("_amperes", "A", 1, 2), new("_pascals", "hPa", 0.01, 1), new("_hertz", "Hz", 1, 2),
            new("_bytes", "MB", 1e-6, 1),
        new("_grams", "kg", 0.001, 1), new("_meters", "m", 1, 0), new("_liters", "l", 1, 1), new("_seconds", "s", 1, 1), new("_ppm", "ppm", 1, 0),
    ];

    /// <param name="prefix">The module's name.</param>
    /// <param name="show">The module's own words; null if there are none.</param>
    public static MetricDisplay Of(string metric, string prefix, YamlValue? show)
    {
        var (label, display) = ByName(metric.StartsWith(prefix + "_", StringComparison.Ordinal) ? metric[(prefix.Length + 1)..] : metric);
        return display with
        {
            Label = show.Flag("hidden") ? null : show.Text("as") ?? label,
            Unit = show.Text("unit") ?? display.Unit,
            Factor = double.TryParse(show.Text("times"), NumberStyles.Float, CultureInfo.InvariantCulture, out var factor) ? factor : display.Factor,
            Decimals = show.Number("decimals") ?? display.Decimals,
            IsPlotted = show.Text("plot") is { } plot ? plot is "true" or "yes" : display.IsPlotted,
            IsDetail = show.Flag("detail") || (show.Find("detail") is null && display.IsDetail),
        };
    }

    private static (string Label, MetricDisplay Display) ByName(string name)
    {
        var isCounter = name.EndsWith("_total", StringComparison.Ordinal);
        name = isCounter ? name[..^"_total".Length] : name;
        if (name.EndsWith("_timestamp_seconds", StringComparison.Ordinal))
        {
            return (Sentence(name[..^"_timestamp_seconds".Length]),
                new MetricDisplay(null, "", 1, 0, IsPlotted: false, IsDetail: true, IsTime: true));
        }
        var unit = Array.Find(Units, one => name.EndsWith(one.Suffix, StringComparison.Ordinal));
        var bare = unit is null ? name : name[..^unit.Suffix.Length];
        return (Sentence(bare.Length > 0 ? bare : name), unit is null
            ? new MetricDisplay(null, "", 1, MetricDisplay.AsNeeded, IsPlotted: false, IsDetail: false, IsTime: false)
            : new MetricDisplay(null, unit.Symbol, unit.Factor, unit.Decimals, IsPlotted: !isCounter, IsDetail: false, IsTime: false));
    }

    /// <summary><c>heating_power</c> as <c>Heating power</c>.</summary>
    public static string Sentence(string name)
    {
        var words = name.Replace('_', ' ');
        return words.Length == 0 ? name : char.ToUpperInvariant(words[0]) + words[1..];
    }

    private sealed record KnownUnit(string Suffix, string Symbol, double Factor, int Decimals);
}
