using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Tokens;

/// <summary>
/// A token file whose content is sealed: one line with a checksum and the sealed content in base64. A plain file is read too, and is sealed at
/// the next save. The checksum needs no key: if it is wrong, the file is damaged. A correct file without its key is unreadable, and stays.
/// </summary>
public sealed class SealedTokenFormat : ITokenFormat
{
    private const int ChecksumSize = 8;
    private const string LogIn = "or move the file away and log in again";

    /// <summary>For a sealed file in a program without keys.</summary>
    internal static readonly SealedTokenFormat WithoutKeys = new("", null, [new PlainTokenFormat()]);

    private readonly IReadOnlyList<ITokenFormat> formats;
    private readonly TokenKeys? keys;
    private readonly string context;

    /// <param name="formats">The formats of the content. None may be shared with other programs, because they could not read it.</param>
    /// <param name="context">The account. Another account cannot open its file.</param>
    public SealedTokenFormat(IReadOnlyList<ITokenFormat> formats, TokenKeys keys, string context)
        : this(context, keys, [.. formats])
    {
        if (formats.Any(format => format.IsShared))
        {
            throw new ArgumentException("A format that other programs share cannot be sealed.", nameof(formats));
        }
    }

    private SealedTokenFormat(string context, TokenKeys? keys, IReadOnlyList<ITokenFormat> formats) =>
        (this.formats, this.keys, this.context) = (formats, keys, context);

    public string Name => "sealed";

    private static ReadOnlySpan<byte> Prefix => "oauth-exporter-sealed:"u8;

    private static ReadOnlySpan<byte> Version => "v1:"u8;

    public bool Recognises(ReadOnlySpan<byte> content) => IsSealed(content) || Find(content) is not null;

    /// <exception cref="FormatException">It is damaged; the message contains the reason.</exception>
    /// <exception cref="IOException">It cannot be opened, such as without its key; the message contains the fix.</exception>
    public Token Read(ReadOnlySpan<byte> content)
    {
        var plain = IsSealed(content) ? Open(content) : content;
        return (Find(plain) ?? formats[0]).Read(plain);
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        var plain = IsSealed(previous) ? Open(previous) : previous;
        var content = keys!.Seal(context, (Find(plain) ?? formats[0]).Write(token, plain));
        var encoded = Encoding.ASCII.GetBytes(Convert.ToBase64String(content));
        return [.. Prefix, .. Version, .. Checksum(encoded), (byte)':', .. encoded, (byte)'\n'];
    }

    internal static bool IsSealed(ReadOnlySpan<byte> content) => content.StartsWith(Prefix);

    private ITokenFormat? Find(ReadOnlySpan<byte> content)
    {
        foreach (var format in formats)
        {
            if (format.Recognises(content))
            {
                return format;
            }
        }
        return null;
    }

    private byte[] Open(ReadOnlySpan<byte> content)
    {
        var line = content[Prefix.Length..];
        if (!line.StartsWith(Version))
        {
            throw new IOException($"another version of this program sealed it; use that version, {LogIn}");
        }
        var bytes = Decode(line[Version.Length..].TrimEnd("\r\n"u8)) ?? throw new FormatException("it is sealed, and its checksum is wrong");
        if (keys is null)
        {
            throw new IOException($"it is sealed with the key {TokenKeys.FindId(bytes)}; set token_key_file to the file with that key, {LogIn}");
        }
        var (plain, problem) = keys.Open(context, bytes);
        return plain ?? throw new IOException($"{problem}, {LogIn}");
    }

    /// <summary>The sealed bytes; null if they are damaged.</summary>
    private static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        if (text.Length <= ChecksumSize || text[ChecksumSize] != ':')
        {
            return null;
        }
        var encoded = text[(ChecksumSize + 1)..];
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(encoded.Length)];
        return text[..ChecksumSize].SequenceEqual(Checksum(encoded))
            && Base64.DecodeFromUtf8(encoded, bytes, out _, out var length) == OperationStatus.Done
            ? bytes[..length]
            : null;
    }

    private static byte[] Checksum(ReadOnlySpan<byte> encoded) =>
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(encoded))[..ChecksumSize]);
}
