using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// A link that permits one login of one account. It is signed (HMAC-SHA256) with a key in the state directory, so that a separate command can
/// create one for the running exporter. The link is a credential.
/// </summary>
public static class LoginLink
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(30);

    private const string KeyFile = "login-link.key";
    private const int KeyLength = 32;
    private const string KeyPurpose = "login links";

    /// <summary>Creates a link, and at the first use the key. A problem is a sentence without a full stop.</summary>
    /// <param name="externalUrl">Without a trailing slash.</param>
    public static Result<Uri, string> Create(string stateDirectory, string externalUrl, string account, TimeProvider time)
    {
        try
        {
            return Create(ReadKey(stateDirectory) ?? CreateKey(stateDirectory), externalUrl, account, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{stateDirectory} cannot be used ({Sanitize.Line(e.Message)}); "
                + "set --state-folder to a directory that the exporter can write";
        }
    }

    /// <summary>Creates a link that every replica with this key accepts.</summary>
    /// <param name="externalUrl">Without a trailing slash.</param>
    public static Uri Create(SharedKey key, string externalUrl, string account, TimeProvider time) =>
        Create(key.Derive(KeyPurpose), externalUrl, account, time);

    /// <summary>How to open a link whose host means this machine only; empty for an external URL of the user.</summary>
    public static string HintFor(WebOptions options) =>
        options.IsExternalUrlDerived ? $" (from another machine, replace {options.ExternalUrl.Host} with the address of this one)" : "";

    /// <summary>The account, the ID and the end of a link that this exporter's key signed and that has not expired; null for any other.</summary>
    internal static (string Account, string Id, DateTimeOffset Until)? Verify(string stateDirectory, IQueryCollection query, DateTimeOffset now)
    {
        try
        {
            return ReadKey(stateDirectory) is { } key ? Verify(key, query, now) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <inheritdoc cref="Verify(string, IQueryCollection, DateTimeOffset)"/>
    internal static (string Account, string Id, DateTimeOffset Until)? Verify(SharedKey key, IQueryCollection query, DateTimeOffset now) =>
        Verify(key.Derive(KeyPurpose), query, now);

    private static (string Account, string Id, DateTimeOffset Until)? Verify(byte[] key, IQueryCollection query, DateTimeOffset now)
    {
        if (query["account"] is not [{ } account] || query["id"] is not [{ Length: < 100 } id] || query["signature"] is not [{ Length: < 100 } text]
            || query["until"] is not [{ } until] || !long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            || end <= now.ToUnixTimeSeconds() || end > DateTimeOffset.MaxValue.ToUnixTimeSeconds() || !Base64Url.IsValid(text))
        {
            return null;
        }
        return CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(text), Sign(key, end, id, account))
            ? (account, id, DateTimeOffset.FromUnixTimeSeconds(end))
            : null;
    }

    private static Uri Create(byte[] key, string externalUrl, string account, TimeProvider time)
    {
        var (until, id) = ((time.GetUtcNow() + Lifetime).ToUnixTimeSeconds(), Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)));
        var signature = Base64Url.EncodeToString(Sign(key, until, id, account));
        return new Uri($"{externalUrl}/auth/link?account={Uri.EscapeDataString(account)}&until={until}&id={id}&signature={signature}");
    }

    /// <summary>The account is last, because no other part can contain a newline.</summary>
    private static byte[] Sign(byte[] key, long until, string id, string account) =>
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{until}\n{id}\n{account}"));

    private static byte[] CreateKey(string directory)
    {
        PrivateDirectory.Create(directory);
        // Of several processes that start at the same time, only one creates the file.
        AtomicFile.TryCreate(Path.Combine(directory, KeyFile), RandomNumberGenerator.GetBytes(KeyLength));
        return ReadKey(directory) ?? throw new IOException($"{KeyFile} cannot be read");
    }

    private static byte[]? ReadKey(string directory) => AtomicFile.Read(Path.Combine(directory, KeyFile), KeyLength + 1) switch
    {
        null => null,
        { Length: KeyLength } key => key,
        _ => throw new IOException($"{KeyFile} is not a valid key; remove it"),
    };
}
