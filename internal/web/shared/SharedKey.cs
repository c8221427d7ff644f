using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// A secret that all replicas have, so that a cookie, a form or a one-time link of one works on the others. Each purpose uses a key of its own.
/// </summary>
public sealed class SharedKey
{
    /// <summary>In bytes.</summary>
    public const int MinLength = 32;

    private readonly byte[] key;

    /// <exception cref="ArgumentException">The key has fewer than <see cref="MinLength"/> bytes.</exception>
    public SharedKey(byte[] key)
    {
        if (key.Length < MinLength)
        {
            throw new ArgumentException($"A shared key has at least {MinLength} bytes.", nameof(key));
        }
        this.key = [.. key];
    }

    /// <summary>The key of a purpose (HKDF-SHA256, RFC 5869): 32 bytes.</summary>
    internal byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, MinLength, info: Encoding.UTF8.GetBytes($"exporter web {purpose}"));
}
