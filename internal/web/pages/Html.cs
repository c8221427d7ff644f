using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Exporter.Web;

/// <summary>
/// A piece of a page, made of an interpolated string and in no other way: what stands in the source is markup, and what is put in is
/// text and encoded, unless it is such a piece itself. So nothing from outside becomes markup. Attributes stand in double quotes.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Html
{
    // Letters of all languages as they are; what means something to a browser is encoded, quotes of both kinds too.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder markup;

    public Html(int literalLength, int formattedCount) => markup = new StringBuilder(literalLength + formattedCount * 16);

    public static Html Nothing { get; } = $"";

    public static Html Join(IEnumerable<Html> pieces)
    {
        var joined = new Html(0, 0);
        joined.AppendFormatted(pieces);
        return joined;
    }

    public void AppendLiteral(string literal) => markup.Append(literal);

    public void AppendFormatted(string? text) => markup.Append(Encoder.Encode(text ?? ""));

    public void AppendFormatted(Html? piece) => markup.Append(piece?.markup);

    public void AppendFormatted(IEnumerable<Html> pieces)
    {
        foreach (var piece in pieces)
        {
            markup.Append(piece.markup);
        }
    }

    public void AppendFormatted(int number) => markup.Append(CultureInfo.InvariantCulture, $"{number}");

    /// <summary>A coordinate: a tenth of a pixel is fine enough.</summary>
    public void AppendFormatted(double number) => markup.Append(CultureInfo.InvariantCulture, $"{number:0.#}");

    /// <summary>The whole, for the response and for nothing else.</summary>
    public override string ToString() => markup.ToString();
}
