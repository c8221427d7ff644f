using System.Globalization;
using Microsoft.Extensions.Primitives;
using Prometheus;

namespace Exporter.Web;

/// <summary>
/// Content negotiation by the Accept and Accept-Encoding headers (RFC 9110, section 12.5). Rejects no request: an unsupported format or a
/// malformed header selects text format 0.0.4 without compression. Allocates nothing.
/// </summary>
internal static class Negotiation
{
    /// <summary>The supported format with the highest weight; the first of several.</summary>
    public static ExpositionFormat Format(StringValues accept)
    {
        var best = ExpositionFormat.PrometheusText;
        var highest = 0.0;
        // Several lines of a header become one list; a single line allocates nothing here.
        var list = accept.ToString().AsSpan();
        foreach (var range in list.Split(','))
        {
            var element = new Element(list[range]);
            if (element.Weight > highest && Supported(element) is { } format)
            {
                (best, highest) = (format, element.Weight);
            }
        }
        return best;
    }

    /// <summary>Whether gzip is accepted, and at least as welcome as no compression.</summary>
    public static bool Gzip(StringValues acceptEncoding)
    {
        double? gzip = null, any = null, identity = null;
        var list = acceptEncoding.ToString().AsSpan();
        foreach (var range in list.Split(','))
        {
            var element = new Element(list[range]);
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
        var weight = gzip ?? any ?? 0;
        return weight > 0 && weight >= (identity ?? 0);
    }

    // OpenMetrics 0.0.1 is the draft of 1.0.0: the text is the same, and every scraper that accepts one reads the other.
    private static ExpositionFormat? Supported(Element element) =>
        element.Is("application/openmetrics-text")
            ? element.Version is "" or "0.0.1" or "1.0.0" ? ExpositionFormat.OpenMetricsText : null
            : element.Is("*/*") || element.Is("text/*") || (element.Is("text/plain") && element.Version is "" or "0.0.4")
                ? ExpositionFormat.PrometheusText
                : null;

    /// <summary>One element of the list, <c>name; version=…; q=…</c>. An invalid weight counts as 0.</summary>
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
