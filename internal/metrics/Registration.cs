using Prometheus;

namespace Exporter.Metrics;

/// <summary>Registers families with prometheus-net, and encodes registries.</summary>
internal static class Registration
{
    private static readonly byte[] End = "# EOF\n"u8.ToArray();

    /// <summary>Updates the values of existing series, and adds new series.</summary>
    public static CollectorRegistry Register(this CollectorRegistry registry, FamilyGroup group, ExpositionFormat format)
    {
        IMetricFactory factory = Prometheus.Metrics.WithCustomRegistry(registry);
        if (group.Labels.Count > 0)
        {
            factory = factory.WithLabels(group.Labels.Labels.ToDictionary());
        }
        foreach (var family in group.Families)
        {
            Register(factory, family, Escape(family.Help, format));
        }
        return registry;
    }

    /// <summary>Encodes a registry. The last line of OpenMetrics is removed, because other parts of the page follow.</summary>
    public static byte[] Encode(CollectorRegistry registry, ExpositionFormat format)
    {
        var stream = SharedBuffer.Take();
        // Completes synchronously, because a write to memory never waits.
        registry.CollectAndExportAsTextAsync(stream, format).GetAwaiter().GetResult();
        var length = (int)stream.Length - (format == ExpositionFormat.OpenMetricsText ? End.Length : 0);
        var text = stream.GetBuffer().AsSpan(0, length).ToArray();
        SharedBuffer.Return(stream);
        return text;
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
