using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// HTTP Basic authentication (RFC 7617) with bcrypt hashes. Caches each user's last success, because a bcrypt check is too slow for every scrape.
/// Remembers wrong passwords briefly, so that a client that repeats one does not occupy the processor. Safe for concurrent use.
/// </summary>
internal sealed class BasicAuthentication(TimeProvider time)
{
    private const int MaxRejected = 1000;

    private static readonly TimeSpan RejectedFor = TimeSpan.FromSeconds(30);

    /// <summary>The hash of no user's password. Checking it makes an unknown user take as long as a wrong password.</summary>
    private const string UnknownUserHash = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, string> accepted = new();
    private readonly ConcurrentDictionary<string, long> rejected = new();

    /// <summary>Null when the password could not be checked, because too many newer ones wait.</summary>
    public async ValueTask<bool?> AcceptsAsync(string? authorization, IReadOnlyDictionary<string, Secret> users, CancellationToken cancellationToken)
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
        if (rejected.TryGetValue(fingerprint, out var at) && time.GetElapsedTime(at) < RejectedFor)
        {
            return false;
        }
        var isRight = await Bcrypt.VerifyAsync(password, hash, cancellationToken);
        if (isRight == true && isKnown)
        {
            accepted[user] = fingerprint;
            return true;
        }
        if (isRight is not null)
        {
            Remember(fingerprint);
        }
        return isRight is null ? null : false;
    }

    private void Remember(string wrong)
    {
        if (rejected.Count >= MaxRejected)
        {
            rejected.Clear();
        }
        rejected[wrong] = time.GetTimestamp();
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
