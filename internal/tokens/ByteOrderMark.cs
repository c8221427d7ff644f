using System.Text;

namespace Exporter.Tokens;

/// <summary>Decodes text that a byte order mark identifies as UTF-16 or UTF-32, which programs on Windows write. Other text is UTF-8.</summary>
internal static class ByteOrderMark
{
    /// <summary>UTF-32 is first, because its mark starts with the one of UTF-16.</summary>
    private static readonly Encoding[] Encodings =
    [
        new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true),
        new UTF32Encoding(bigEndian: true, byteOrderMark: true, throwOnInvalidCharacters: true),
        new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true),
        new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true),
    ];

    /// <summary>The text in UTF-8 without a mark. Content in UTF-8, or that is damaged, stays as it is.</summary>
    public static byte[] ToUtf8(byte[] content)
    {
        if (Encodings.FirstOrDefault(encoding => content.AsSpan().StartsWith(encoding.Preamble)) is not { } found)
        {
            return content;
        }
        try
        {
            return Encoding.UTF8.GetBytes(found.GetString(content, found.Preamble.Length, content.Length - found.Preamble.Length));
        }
        catch (DecoderFallbackException)
        {
            return content;
        }
    }
}
