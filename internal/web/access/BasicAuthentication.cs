using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// HTTP Basic authentication (RFC 7617) with bcrypt hashes. Caches each user's last success, because a bcrypt check is too slow for every scrape.
/// Caches no failure, so that guessing fills no memory and stays slow. Safe for concurrent use.
/// </summary>
internal sealed class BasicAuthentication
{
    /// <summary>The hash of no user's password. Checking it makes an unknown user take as long as a wrong password.</summary>
    private const string UnknownUserHash = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, string> accepted = new();

    public async ValueTask<bool> AcceptsAsync(string? authorization, IReadOnlyDictionary<string, Secret> users, CancellationToken cancellationToken)
    {
        if (Read(authorization) is not var (user, password))
        {
            return false;
        }
        var isKnown = users.TryGetValue(user, out var secret);
        var hash = isKnown ? secret!.Reveal() : string.Concat(users.Values.First().Reveal().AsSpan(0, 7), UnknownUserHash);
        // The hash is part of it: a change of the password invalidates the cached check.
        var fingerprint = Convert.ToHexString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{user.Length}:{user}{hash}{password}")));
        if (accepted.GetValueOrDefault(user) == fingerprint)
        {
            return true;
        }
        if (!await Bcrypt.VerifyAsync(password, hash, cancellationToken) || !isKnown)
        {
            return false;
        }
        accepted[user] = fingerprint;
        return true;
    }

    private static (string User, string Password)? Read(string? authorization)
    {
        const string Scheme = "Basic ";
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        var bytes = new byte[authorization.Length];
        return Convert.TryFromBase64String(authorization[Scheme.Length..].Trim(), bytes, out var length)
            && Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var user, var password] ? (user, password) : null;
    }
}
