using Prometheus;

namespace Exporter.Metrics;

/// <summary>Registers families with prometheus-net, and encodes its registries.</summary>
internal static class Registration
{
    private const int LargestKept = 64 * 1024;

    private static readonly byte[] End = "# EOF\n"u8.ToArray();

    [ThreadStatic]
    private static MemoryStream? buffer;

    /// <summary>Sets the values of series that the registry has already, and adds the others.</summary>
    public static CollectorRegistry Register(this CollectorRegistry registry, IEnumerable<FamilyGroup> groups, ExpositionFormat format)
    {
        var all = Prometheus.Metrics.WithCustomRegistry(registry);
        foreach (var (labels, families) in groups)
        {
            var factory = labels.Count == 0 ? all : all.WithLabels(labels.Labels.ToDictionary());
            foreach (var family in families)
            {
                Register(factory, family, Escape(family.Help, format));
            }
        }
        return registry;
    }

    /// <summary>The registry as the library writes it. OpenMetrics' last line is cut off, because other parts of the page follow.</summary>
    public static byte[] Encode(CollectorRegistry registry, ExpositionFormat format)
    {
        var stream = buffer ?? new MemoryStream();
        stream.SetLength(0);
        // A write to memory never waits, so this thread goes on.
        registry.CollectAndExportAsTextAsync(stream, format).GetAwaiter().GetResult();
        // What is encoded at every look is small; a buffer for it is kept.
        buffer = stream.Capacity > LargestKept ? null : stream;
        var text = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        return (format == ExpositionFormat.OpenMetricsText ? text[..^End.Length] : text).ToArray();
    }

    // The library requires that the series of a collector have the same label names, so those with other names get a collector of their
    // own in the same family. A collector is created with its first sample: the library would write one without samples as a family.
    private static void Register(IMetricFactory factory, MetricFamily family, string help)
    {
        string[]? names = null;
        var (gauge, counter) = ((Gauge?)null, (Counter?)null);
        foreach (var (labels, value) in family.Samples)
        {
            if (names is null || !names.AsSpan().SequenceEqual(labels.Names))
            {
                names = labels.Names;
                (gauge, counter) = family.Kind is MetricKind.Counter
                    ? (null, factory.CreateCounter(family.Name, help, names))
                    : (factory.CreateGauge(family.Name, help, names), (Counter?)null);
            }
            gauge?.WithLabels(labels.Values).Set(value);
            counter?.WithLabels(labels.Values).IncTo(value);
        }
    }

    // The library writes a help text as it is. A quotation mark is escaped in OpenMetrics alone (ABNF, "escaped-string").
    private static string Escape(string help, ExpositionFormat format)
    {
        help = help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return format == ExpositionFormat.OpenMetricsText ? help.Replace("\"", "\\\"", StringComparison.Ordinal) : help;
    }
}
