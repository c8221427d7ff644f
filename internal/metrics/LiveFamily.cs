namespace Exporter.Metrics;

/// <summary>A series whose value is read at the scrape.</summary>
/// <param name="Value">Called by any thread, several at once; quick, and throws nothing. Null: there is no such series now.</param>
public sealed record LiveSeries(LabelSet Labels, Func<double?> Value);

/// <summary>
/// A family whose values are read at the moment of the scrape. All but the values is encoded once; writing it allocates nothing.
/// Its series are ordered, and told apart, as those of a <see cref="MetricFamily"/>. While no series has a value the family is not written.
/// </summary>
public sealed class LiveFamily
{
    private readonly MetricFamily family;
    private readonly byte[] textHeader;
    private readonly byte[] openMetricsHeader;
    private readonly (byte[] Prefix, Func<double?> Value)[] series;

    private LiveFamily(MetricFamily family, IEnumerable<LiveSeries> series)
    {
        this.family = family;
        textHeader = Encode((ref writer) => ExpositionFormat.Text.WriteHeader(ref writer, family));
        openMetricsHeader = Encode((ref writer) => ExpositionFormat.OpenMetrics.WriteHeader(ref writer, family));
        this.series = [.. LabelSet.Order(series, one => one.Labels)
            .Select(one => (Encode((ref writer) => ExpositionFormat.WritePrefix(ref writer, family.Name, one.Labels)), one.Value))];
    }

    private delegate void Writing(ref Utf8Writer writer);

    public string Name => family.Name;

    public string Help => family.Help;

    public MetricKind Kind => family.Kind;

    public static LiveFamily Gauge(string name, string help, Func<double?> value) => Gauge(name, help, [new(LabelSet.Empty, value)]);

    public static LiveFamily Gauge(string name, string help, IEnumerable<LiveSeries> series) => new(MetricFamily.Gauge(name, help, []), series);

    public static LiveFamily Counter(string name, string help, Func<double?> value) => Counter(name, help, [new(LabelSet.Empty, value)]);

    /// <param name="name">Ends in <c>_total</c>.</param>
    public static LiveFamily Counter(string name, string help, IEnumerable<LiveSeries> series) => new(MetricFamily.Counter(name, help, []), series);

    internal void WriteTo(ref Utf8Writer writer, ExpositionFormat format)
    {
        var headed = false;
        foreach (var (prefix, read) in series)
        {
            if (read() is not { } value || !MetricFamily.Allows(Kind, value))
            {
                continue;
            }
            if (!headed)
            {
                writer.Write(format == ExpositionFormat.OpenMetrics ? openMetricsHeader : textHeader);
                headed = true;
            }
            writer.Write(prefix);
            ExpositionFormat.WriteValue(ref writer, value);
        }
    }

    private static byte[] Encode(Writing write)
    {
        using var buffer = new PooledBuffer(256);
        var writer = new Utf8Writer(buffer);
        write(ref writer);
        writer.Flush();
        return buffer.Written.ToArray();
    }
}
