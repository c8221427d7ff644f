using Prometheus;

namespace Exporter.Metrics;

/// <summary>Registers families with prometheus-net, and encodes registries.</summary>
internal static class Registration
{
    private const int LargestReusedBuffer = 64 * 1024;

    private static readonly byte[] End = "# EOF\n"u8.ToArray();

    [ThreadStatic]
    private static MemoryStream? buffer;

    /// <summary>Updates the values of existing series, and adds new series.</summary>
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

    /// <summary>Encodes a registry. The last line of OpenMetrics is removed, because other parts of the page follow.</summary>
    public static byte[] Encode(CollectorRegistry registry, ExpositionFormat format)
    {
        var stream = buffer ?? new MemoryStream();
        stream.SetLength(0);
        // Completes synchronously, because a write to memory never waits.
        registry.CollectAndExportAsTextAsync(stream, format).GetAwaiter().GetResult();
        // The parts that every scrape encodes are small, so only a small buffer is reused.
        buffer = stream.Capacity > LargestReusedBuffer ? null : stream;
        var text = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        return (format == ExpositionFormat.OpenMetricsText ? text[..^End.Length] : text).ToArray();
    }

    // All series of a collector have the same label names, so each set of names gets its own collector in the same family. A collector is
    // created with its first sample, because the library writes a collector without samples as a family.
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

    // The library does not escape help texts. Only OpenMetrics escapes quotation marks (ABNF, "escaped-string").
    private static string Escape(string help, ExpositionFormat format)
    {
        help = help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return format == ExpositionFormat.OpenMetricsText ? help.Replace("\"", "\\\"", StringComparison.Ordinal) : help;
    }
}
