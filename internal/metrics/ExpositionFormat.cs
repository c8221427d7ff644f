using System.Buffers;

namespace Exporter.Metrics;

/// <summary>A way of writing families down. There are two, and their samples look alike: the formats differ in headers, bounds and end.</summary>
public abstract class ExpositionFormat
{
    private static readonly SearchValues<char> SpecialInLabels = SearchValues.Create("\\\"\n");

    private ExpositionFormat()
    {
    }

    /// <summary>Prometheus' text format 0.0.4, which every scraper reads.</summary>
    public static ExpositionFormat Text { get; } = new Text004();

    /// <summary>OpenMetrics 1.0.</summary>
    public static ExpositionFormat OpenMetrics { get; } = new OpenMetrics1();

    /// <summary>The value of the Content-Type header.</summary>
    public abstract string ContentType { get; }

    /// <summary>What stands at the end of a page.</summary>
    internal abstract ReadOnlySpan<byte> End { get; }

    /// <summary>A whole page of the families, as given: <see cref="MetricFamily.Merge(IEnumerable{IEnumerable{MetricFamily}})"/> puts them in order.</summary>
    public void Write(IBufferWriter<byte> output, IEnumerable<MetricFamily> families)
    {
        var text = new Utf8Writer(output);
        foreach (var family in families)
        {
            WriteFamily(ref text, family);
        }
        text.Write(End);
        text.Flush();
    }

    internal void WriteFamily(ref Utf8Writer text, MetricFamily family)
    {
        if (family.IsEmpty)
        {
            return;
        }
        WriteHeader(ref text, family);
        foreach (var sample in family.Samples)
        {
            WritePrefix(ref text, family.Name, sample.Labels);
            WriteValue(ref text, sample.Value);
        }
        foreach (var (labels, value) in family.Histograms)
        {
            WriteHistogram(ref text, family.Name, labels, value);
        }
    }

    internal abstract void WriteHeader(ref Utf8Writer text, MetricFamily family);

    /// <summary>A sample's line up to its value: the same in both formats.</summary>
    internal static void WritePrefix(ref Utf8Writer text, string name, LabelSet labels)
    {
        text.Write(name);
        WriteLabels(ref text, labels, "}"u8);
        text.Write(" "u8);
    }

    internal static void WriteValue(ref Utf8Writer text, double value)
    {
        text.Write(value);
        text.Write("\n"u8);
    }

    /// <summary>A bucket's bound, as the value of the label <c>le</c>.</summary>
    private protected abstract void WriteBound(ref Utf8Writer text, double bound);

    private protected static void WriteLine(ref Utf8Writer text, ReadOnlySpan<byte> keyword, string name, ReadOnlySpan<char> rest)
    {
        text.Write(keyword);
        text.Write(name);
        text.Write(" "u8);
        text.Write(rest);
        text.Write("\n"u8);
    }

    private protected static void WriteHelp(ref Utf8Writer text, string name, string help, SearchValues<char> special)
    {
        text.Write("# HELP "u8);
        text.Write(name);
        text.Write(" "u8);
        text.WriteEscaped(help, special);
        text.Write("\n"u8);
    }

    private static void WriteLabels(ref Utf8Writer text, LabelSet labels, ReadOnlySpan<byte> end)
    {
        var first = true;
        foreach (var (name, value) in labels.Labels)
        {
            text.Write(first ? "{"u8 : ","u8);
            text.Write(name);
            text.Write("=\""u8);
            text.WriteEscaped(value, SpecialInLabels);
            text.Write("\""u8);
            first = false;
        }
        if (!first)
        {
            text.Write(end);
        }
    }

    private void WriteHistogram(ref Utf8Writer text, string name, LabelSet labels, HistogramValue value)
    {
        var count = 0L;
        for (var i = 0; i < value.Counts.Count; i++)
        {
            count += value.Counts[i];
            text.Write(name);
            text.Write("_bucket"u8);
            WriteLabels(ref text, labels, ""u8);
            text.Write(labels.Count == 0 ? "{le=\""u8 : ",le=\""u8);
            WriteBound(ref text, i < value.UpperBounds.Count ? value.UpperBounds[i] : double.PositiveInfinity);
            text.Write("\"} "u8);
            WriteValue(ref text, count);
        }
        text.Write(name);
        text.Write("_sum"u8);
        WriteLabels(ref text, labels, "}"u8);
        text.Write(" "u8);
        WriteValue(ref text, value.Sum);
        text.Write(name);
        text.Write("_count"u8);
        WriteLabels(ref text, labels, "}"u8);
        text.Write(" "u8);
        WriteValue(ref text, count);
    }

    private sealed class Text004 : ExpositionFormat
    {
        private static readonly SearchValues<char> SpecialInHelp = SearchValues.Create("\\\n");

        public override string ContentType => "text/plain; version=0.0.4; charset=utf-8";

        internal override ReadOnlySpan<byte> End => [];

        internal override void WriteHeader(ref Utf8Writer text, MetricFamily family)
        {
            WriteHelp(ref text, family.Name, family.Help, SpecialInHelp);
            WriteLine(ref text, "# TYPE "u8, family.Name, family.Kind switch
            {
                MetricKind.Counter => "counter",
                MetricKind.Histogram => "histogram",
                MetricKind.Unknown => "untyped",
                _ => "gauge",
            });
        }

        private protected override void WriteBound(ref Utf8Writer text, double bound) => text.Write(bound);
    }

    private sealed class OpenMetrics1 : ExpositionFormat
    {
        // The ABNF's escaped-string has no bare quotation mark, not even in a help text.
        private static readonly SearchValues<char> SpecialInHelp = SpecialInLabels;

        public override string ContentType => "application/openmetrics-text; version=1.0.0; charset=utf-8";

        internal override ReadOnlySpan<byte> End => "# EOF\n"u8;

        internal override void WriteHeader(ref Utf8Writer text, MetricFamily family)
        {
            var name = Names.WithoutSuffix(family.Name, family.Kind);
            WriteLine(ref text, "# TYPE "u8, name, family.Kind switch
            {
                MetricKind.Counter => "counter",
                MetricKind.Histogram => "histogram",
                MetricKind.Info => "info",
                MetricKind.Unknown => "unknown",
                // The label of a stateset must be named like its family. As a gauge it keeps the name it has in the text
                // format, and a query works whichever format the scraper asked for.
                _ => "gauge",
            });
            if (family.Unit is { } unit)
            {
                WriteLine(ref text, "# UNIT "u8, name, unit);
            }
            WriteHelp(ref text, name, family.Help, SpecialInHelp);
        }

        // "Considerations: Canonical Numbers": a whole bound is written 1.0.
        private protected override void WriteBound(ref Utf8Writer text, double bound)
        {
            Span<byte> room = stackalloc byte[Utf8Writer.LongestNumber];
            var number = room[..Utf8Writer.Format(bound, room)];
            text.Write(number);
            if (double.IsFinite(bound) && !number.ContainsAny((byte)'.', (byte)'E'))
            {
                text.Write(".0"u8);
            }
        }
    }
}
