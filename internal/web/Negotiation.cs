using System.Globalization;
using Microsoft.Extensions.Primitives;
using Prometheus;

namespace Exporter.Web;

/// <summary>
/// What a scraper can read, from its Accept and Accept-Encoding headers (RFC 9110, 12.5). No request is rejected: one that asks for a
/// format that the exporter does not have, or has malformed headers, gets text 0.0.4 without compression. Allocates nothing.
/// </summary>
internal static class Negotiation
{
    /// <summary>The supported format with the highest weight; of several the one named first.</summary>
    public static ExpositionFormat Format(StringValues accept)
    {
        var best = ExpositionFormat.PrometheusText;
        var highest = 0.0;
        foreach (var line in accept)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var element = new Element(line.AsSpan()[range]);
                if (element.Weight > highest && Supported(element) is { } format)
                {
                    best = format;
                    highest = element.Weight;
                }
            }
        }
        return best;
    }

    /// <summary>Whether gzip is accepted, and nothing says that the bare answer is liked better.</summary>
    public static bool Gzip(StringValues acceptEncoding)
    {
        double? gzip = null, any = null, identity = null;
        foreach (var line in acceptEncoding)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var element = new Element(line.AsSpan()[range]);
                if (element.Is("gzip") || element.Is("x-gzip"))
                {
                    gzip = element.Weight;
                }
                else if (element.Is("*"))
                {
                    any = element.Weight;
                }
                else if (element.Is("identity"))
                {
                    identity = element.Weight;
                }
            }
        }
        var weight = gzip ?? any ?? 0;
        return weight > 0 && weight >= (identity ?? 0);
    }

    // OpenMetrics 0.0.1 is the draft of 1.0.0: the same text, and every scraper that names the one reads the other.
    private static ExpositionFormat? Supported(Element element) =>
        element.Is("application/openmetrics-text") ? (element.Version is "" or "0.0.1" or "1.0.0" ? ExpositionFormat.OpenMetricsText : null)
        : element.Is("text/plain") ? (element.Version is "" or "0.0.4" ? ExpositionFormat.PrometheusText : null)
        : element.Is("*/*") || element.Is("text/*") ? ExpositionFormat.PrometheusText
        : null;

    /// <summary>One element of the list, <c>name; version=…; q=…</c>. A weight that is no weight counts as a refusal.</summary>
    private readonly ref struct Element
    {
        private readonly ReadOnlySpan<char> name;

        public Element(ReadOnlySpan<char> text)
        {
            var parameters = text.Split(';');
            parameters.MoveNext();
            name = text[parameters.Current].Trim();
            Weight = 1;
            Version = [];
            while (parameters.MoveNext())
            {
                var parameter = text[parameters.Current].Trim();
                if (parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
                {
                    var valid = double.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var q) && q <= 1;
                    Weight = valid ? q : 0;
                }
                else if (parameter.StartsWith("version=", StringComparison.OrdinalIgnoreCase))
                {
                    Version = parameter[8..].Trim('"');
                }
            }
        }

        public double Weight { get; }

        public ReadOnlySpan<char> Version { get; }

        public bool Is(ReadOnlySpan<char> other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);
    }
}
