using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Exporter.Tokens;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>A login by redirect that was begun in this browser.</summary>
internal sealed record BegunLogin(string Account, AuthorizationRequest Request, DateTimeOffset Deadline);

/// <summary>
/// Keeps what a login was begun with in the browser that began it, sealed (AES-GCM) with a key that lives as long as the process: the
/// server remembers nothing of a login that nobody finishes. One cookie per account, so that their number is bounded. Safe for concurrent use.
/// </summary>
internal sealed class LoginCookies(ExternalUrl external, TimeProvider time)
{
    private const int MostSpent = 1000;
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> spent = [];

    /// <param name="slot">The account's number.</param>
    public void Set(HttpContext context, int slot, string account, AuthorizationRequest request)
    {
        var name = Name(slot);
        var plain = Write(new BegunLogin(account, request, time.GetUtcNow() + Patience));
        var sealedBytes = new byte[NonceSize + TagSize + plain.Length];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceSize));
        using var cipher = new AesGcm(key, TagSize);
        cipher.Encrypt(sealedBytes.AsSpan(0, NonceSize), plain, sealedBytes.AsSpan(NonceSize + TagSize), sealedBytes.AsSpan(NonceSize, TagSize), Encoding.UTF8.GetBytes(name));
        context.Response.Cookies.Append(name, Base64Url.EncodeToString(sealedBytes), Options());
    }

    public void Clear(HttpContext context, int slot) => context.Response.Cookies.Delete(Name(slot), Options());

    /// <summary>The login of this slot that this browser began; null when there is none, or it was not sealed by us.</summary>
    public BegunLogin? Find(HttpContext context, int slot)
    {
        var name = Name(slot);
        if (context.Request.Cookies[name] is not { Length: < 4096 } text || !Base64Url.IsValid(text))
        {
            return null;
        }
        var sealedBytes = Base64Url.DecodeFromChars(text);
        if (sealedBytes.Length < NonceSize + TagSize)
        {
            return null;
        }
        var plain = new byte[sealedBytes.Length - NonceSize - TagSize];
        try
        {
            using var cipher = new AesGcm(key, TagSize);
            cipher.Decrypt(sealedBytes.AsSpan(0, NonceSize), sealedBytes.AsSpan(NonceSize + TagSize), sealedBytes.AsSpan(NonceSize, TagSize), plain, Encoding.UTF8.GetBytes(name));
        }
        catch (CryptographicException)
        {
            return null;
        }
        return Read(plain);
    }

    /// <summary>Uses the login up; false when that has been done before.</summary>
    public bool Spend(BegunLogin login)
    {
        var print = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(login.Request.State.Reveal())));
        lock (gate)
        {
            foreach (var ended in spent.Where(s => s.Value <= time.GetUtcNow()).Select(s => s.Key).ToList())
            {
                spent.Remove(ended);
            }
            if (spent.Count >= MostSpent)
            {
                // Whoever fills it spends logins of his own; the code behind the one forgotten is spent at the cloud as well.
                spent.Remove(spent.MinBy(s => s.Value).Key);
            }
            return spent.TryAdd(print, login.Deadline);
        }
    }

    private string Name(int slot) => $"{(external.IsHttps ? "__Host-" : "")}exporter-login-{slot}";

    // Lax: the browser comes back from the cloud by a link, and Strict would keep the cookie from it.
    private CookieOptions Options() => new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = external.IsHttps, Path = "/", MaxAge = Patience };

    private static byte[] Write(BegunLogin login)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write(login.Account);
        writer.Write(login.Request.State.Reveal());
        writer.Write(login.Request.Verifier?.Reveal() ?? "");
        writer.Write(login.Request.RedirectUri.OriginalString);
        writer.Write(login.Deadline.UtcTicks);
        return buffer.ToArray();
    }

    private static BegunLogin Read(byte[] plain)
    {
        using var reader = new BinaryReader(new MemoryStream(plain));
        var (account, state, verifier, redirect) = (reader.ReadString(), reader.ReadString(), reader.ReadString(), new Uri(reader.ReadString()));
        // Where the browser was sent is over and done with.
        return new BegunLogin(account, new AuthorizationRequest(redirect, new Secret(state), Secret.From(verifier), redirect), new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero));
    }
}
