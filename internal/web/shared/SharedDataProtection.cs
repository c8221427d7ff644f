using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace Exporter.Web;

/// <summary>
/// Data protection with one key for all replicas: AES-256-GCM, with a key derived for each purpose. ASP.NET Core's own needs a key ring, which
/// it stores as XML. Safe for concurrent use.
/// </summary>
internal sealed class SharedDataProtection(SharedKey key) : IDataProtectionProvider
{
    public IDataProtector CreateProtector(string purpose) => new Protector(key, Extend("data protection", purpose));

    /// <summary>The length before each part keeps different lists of purposes apart.</summary>
    private static string Extend(string purposes, string purpose) => $"{purposes} {purpose.Length}:{purpose}";

    private sealed class Protector(SharedKey key, string purposes) : IDataProtector
    {
        private const byte Version = 1;
        private const int NonceLength = 12;
        private const int TagLength = 16;
        private const int HeaderLength = 1 + NonceLength;

        private readonly byte[] own = key.Derive(purposes);

        public IDataProtector CreateProtector(string purpose) => new Protector(key, Extend(purposes, purpose));

        public byte[] Protect(byte[] plaintext)
        {
            var result = new byte[HeaderLength + plaintext.Length + TagLength];
            result[0] = Version;
            var nonce = result.AsSpan(1, NonceLength);
            RandomNumberGenerator.Fill(nonce);
            using var aes = new AesGcm(own, TagLength);
            aes.Encrypt(nonce, plaintext, result.AsSpan(HeaderLength, plaintext.Length), result.AsSpan(^TagLength), result.AsSpan(0, 1));
            return result;
        }

        /// <exception cref="CryptographicException">Another key or purpose protected the data, or it was changed.</exception>
        public byte[] Unprotect(byte[] protectedData)
        {
            if (protectedData.Length < HeaderLength + TagLength || protectedData[0] != Version)
            {
                throw new CryptographicException("The data is not protected by this program.");
            }
            var data = protectedData.AsSpan();
            var result = new byte[data.Length - HeaderLength - TagLength];
            using var aes = new AesGcm(own, TagLength);
            aes.Decrypt(data[1..HeaderLength], data[HeaderLength..^TagLength], data[^TagLength..], result, data[..1]);
            return result;
        }
    }
}
