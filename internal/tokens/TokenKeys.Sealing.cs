using System.Security.Cryptography;
using System.Text;

namespace Exporter.Tokens;

/// <summary>
/// Sealed bytes are a header, the tag and the encrypted bytes. The header has the version, the length of the key's ID, the ID, the beginning
/// of a hash of nonce and context, and the nonce. The hash only gives a better message: the tag protects the header and the context.
/// </summary>
public sealed partial class TokenKeys
{
    private const byte Version = 1;
    private const int HashSize = 4;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const string Damaged = "it is damaged, or a newer version of this program sealed it; restore it";

    /// <summary>Encrypts with the first key.</summary>
    /// <param name="context">What the bytes belong to, such as the account. Only the same context opens them.</param>
    public byte[] Seal(string context, ReadOnlySpan<byte> plain)
    {
        var (id, key) = keys[0];
        var headerSize = HeaderSize(id.Length);
        var content = new byte[headerSize + TagSize + plain.Length];
        var header = content.AsSpan(0, headerSize);
        (header[0], header[1]) = (Version, (byte)id.Length);
        Encoding.ASCII.GetBytes(id, header[2..]);
        // Random nonces of 96 bits are safe for 2^32 uses of one key (NIST SP 800-38D, section 8.3).
        var nonce = header[^NonceSize..];
        RandomNumberGenerator.Fill(nonce);
        HashOf(nonce, context).CopyTo(header[^(NonceSize + HashSize)..]);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(nonce, plain, content.AsSpan(headerSize + TagSize), content.AsSpan(headerSize, TagSize), Associated(header, context));
        return content;
    }

    /// <summary>Decrypts with the key that sealed. A failure is one sentence with the fix, and contains nothing secret.</summary>
    public Result<byte[], string> Open(string context, ReadOnlySpan<byte> content)
    {
        if (FindId(content) is not { } id)
        {
            return Damaged;
        }
        if (Array.Find(keys, one => one.Id == id).Key is not { } key)
        {
            return $"it is sealed with the key {id}, which is not in the key file; add that key to the file";
        }
        var header = content[..HeaderSize(id.Length)];
        var nonce = header[^NonceSize..];
        if (!header[^(NonceSize + HashSize)..^NonceSize].SequenceEqual(HashOf(nonce, context)))
        {
            return "it is sealed for another account; restore the account's name, or its own token";
        }
        var sealedBytes = content[(header.Length + TagSize)..];
        var plain = new byte[sealedBytes.Length];
        try
        {
            using var aes = new AesGcm(key, TagSize);
            aes.Decrypt(nonce, sealedBytes, content.Slice(header.Length, TagSize), plain, Associated(header, context));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return $"it is damaged, or the key file has another key with the ID {id}; restore the one that is wrong";
        }
    }

    /// <summary>Whether the first key sealed these bytes. If not, seal them again before you remove an old key.</summary>
    public bool IsCurrent(ReadOnlySpan<byte> content) => FindId(content) == CurrentId;

    /// <summary>The ID of the key that sealed these bytes; null if they are not sealed or are too short.</summary>
    internal static string? FindId(ReadOnlySpan<byte> content)
    {
        if (content is not [Version, var length, ..] || content.Length < HeaderSize(length) + TagSize)
        {
            return null;
        }
        var id = Encoding.Latin1.GetString(content.Slice(2, length));
        return IdPattern().IsMatch(id) ? id : null;
    }

    private static int HeaderSize(int idLength) => 2 + idLength + HashSize + NonceSize;

    private static ReadOnlySpan<byte> HashOf(ReadOnlySpan<byte> nonce, string context) =>
        SHA256.HashData(Associated(nonce, context)).AsSpan(0, HashSize);

    private static byte[] Associated(ReadOnlySpan<byte> header, string context) => [.. header, .. Encoding.UTF8.GetBytes(context)];
}
