using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Exporter.Web;

/// <summary>
/// A piece of HTML, made only from an interpolated string: literals are markup, and interpolated values are text and encoded, unless they are
/// pieces of HTML. Thus no input becomes markup. Attribute values must be in double quotes.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Html
{
    // Keeps the letters of all languages, and encodes all characters with a meaning in HTML, including both kinds of quotes.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder markup;

    public Html(int literalLength, int formattedCount) => markup = new StringBuilder(literalLength + formattedCount * 16);

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

    /// <summary>A coordinate, to a tenth of a pixel.</summary>
    public void AppendFormatted(double number) => markup.Append(CultureInfo.InvariantCulture, $"{number:0.#}");

    /// <summary>The markup, for the response only.</summary>
    public override string ToString() => markup.ToString();
}
