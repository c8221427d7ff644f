using System.Security.Cryptography;
using System.Text;
using Exporter.Tokens;

namespace Exporter.Web;

/// <summary>
/// HTTP Basic (RFC 7617) against bcrypt hashes. What was once found right is remembered, or every scrape would cost a bcrypt;
/// what is wrong is not, so that guessing neither fills the memory nor becomes quick. Safe for concurrent use.
/// </summary>
internal sealed class BasicAuthentication
{
    private const int MostRemembered = 100;

    /// <summary>A hash of nobody's password: who does not exist takes as long to refuse as who does.</summary>
    private const string Nobody = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock gate = new();
    private readonly HashSet<string> remembered = [];
    private readonly Queue<string> oldestFirst = [];

    public async ValueTask<bool> AcceptsAsync(string? authorization, IReadOnlyDictionary<string, Secret> users, CancellationToken cancellationToken)
    {
        if (Read(authorization) is not var (user, password))
        {
            return false;
        }
        var known = users.TryGetValue(user, out var secret);
        var hash = known ? secret!.Reveal() : string.Concat(users.Values.First().Reveal().AsSpan(0, 7), Nobody);
        // The hash is part of it: a password that was changed is not remembered.
        var print = Convert.ToHexString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{user.Length}:{user}{hash}{password}")));
        lock (gate)
        {
            if (remembered.Contains(print))
            {
                return true;
            }
        }
        if (!await Bcrypt.VerifyAsync(password, hash, cancellationToken) || !known)
        {
            return false;
        }
        Remember(print);
        return true;
    }

    private void Remember(string print)
    {
        lock (gate)
        {
            if (!remembered.Add(print))
            {
                return;
            }
            oldestFirst.Enqueue(print);
            if (oldestFirst.Count > MostRemembered)
            {
                remembered.Remove(oldestFirst.Dequeue());
            }
        }
    }

    private static (string User, string Password)? Read(string? authorization)
    {
        const string Scheme = "Basic ";
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        var bytes = new byte[authorization.Length];
        return Convert.TryFromBase64String(authorization[Scheme.Length..].Trim(), bytes, out var length) && Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var user, var password]
            ? (user, password)
            : null;
    }
}
