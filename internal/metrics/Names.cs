using System.Buffers;

namespace Exporter.Metrics;

/// <summary>Prometheus' classic names, and the suffixes that carry meaning.</summary>
internal static class Names
{
    private static readonly SearchValues<char> LabelCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    private static readonly SearchValues<char> MetricCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");

    private static readonly string[] BaseUnits =
        ["amperes", "bytes", "celsius", "grams", "hertz", "joules", "kelvin", "meters", "pascals", "ratio", "seconds", "volts", "watts"];

    public static void RequireMetric(string name, MetricKind kind)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (char.IsAsciiDigit(name[0]) || name.AsSpan().ContainsAnyExcept(MetricCharacters))
        {
            throw new ArgumentException($"\"{name}\" is not a metric name: letters, digits, _ and :, and no digit first.", nameof(name));
        }
        if (Suffix(kind) is { Length: > 0 } suffix && (!name.EndsWith(suffix, StringComparison.Ordinal) || name.Length == suffix.Length))
        {
            throw new ArgumentException($"The name of the {kind} {name} does not end in {suffix}.", nameof(name));
        }
    }

    /// <summary>Names that begin with two underscores are Prometheus' own; <c>le</c> belongs to a histogram's buckets.</summary>
    public static void RequireLabel(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (char.IsAsciiDigit(name[0]) || name.AsSpan().ContainsAnyExcept(LabelCharacters))
        {
            throw new ArgumentException($"\"{name}\" is not a label name: letters, digits and _, and no digit first.", nameof(name));
        }
        if (name is "le" || name.StartsWith("__", StringComparison.Ordinal))
        {
            throw new ArgumentException($"The label name {name} is reserved.", nameof(name));
        }
    }

    /// <summary>The family's name in OpenMetrics, where only the samples of a counter or an info carry the suffix.</summary>
    public static string WithoutSuffix(string name, MetricKind kind) => name[..^Suffix(kind).Length];

    /// <summary>OpenMetrics wants a unit to be the last part of the family's name, and gives none to infos and states.</summary>
    public static string? Unit(string name, MetricKind kind)
    {
        if (kind is MetricKind.Info or MetricKind.StateSet)
        {
            return null;
        }
        var family = WithoutSuffix(name, kind);
        return Array.Find(BaseUnits, unit => family.Length > unit.Length && family[^(unit.Length + 1)] == '_' && family.EndsWith(unit, StringComparison.Ordinal));
    }

    private static string Suffix(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "_total",
        MetricKind.Info => "_info",
        _ => "",
    };
}
