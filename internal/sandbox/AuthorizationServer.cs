using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Sandbox;

/// <summary>
/// Clients, codes and token families of one provider. A login starts a family; every renewal replaces both tokens of it, and a refresh
/// token or code that comes a second time ends the family (RFC 9700 section 4.14, RFC 6749 section 4.1.2). Thread-safe.
/// </summary>
/// <param name="mint">The provider's shape of a token: from the user to a new random one.</param>
public sealed class AuthorizationServer(TimeProvider time, TokenLifetimes lifetimes, Func<string, string> mint)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, RegisteredClient> clients = [];
    private readonly Dictionary<string, Code> codes = [];
    private readonly Dictionary<string, Access> accessTokens = [];
    private readonly Dictionary<string, Refresh> refreshTokens = [];
    private readonly List<Family> families = [];
    private volatile TokenLifetimes lifetimes = lifetimes;
    private int rotations;
    private int reusedRefreshTokens;
    private int reusedCodes;
    private int maximumInFlight;

    public TokenLifetimes Lifetimes { get => lifetimes; set => lifetimes = value; }

    /// <summary>A renewal gives the same refresh token again, its life begun anew, and it may be used as often as one likes.</summary>
    public bool KeepsRefreshTokens { get; set; }

    /// <summary>A renewal so soon after the last gives the pair as it is, its ends where they were; zero gives a new one each time.</summary>
    public TimeSpan RepeatsWithin { get; set; }

    public AuthorizationCounters Counters
    {
        get
        {
            lock (gate)
            {
                return new(families.Count, families.Count(f => f.Revoked), rotations, reusedRefreshTokens, reusedCodes, maximumInFlight);
            }
        }
    }

    /// <summary>Adds a client, or replaces the one of that id.</summary>
    public void Register(RegisteredClient client) { lock (gate) { clients[client.Id] = client; } }

    /// <summary>A new family, as if a person had just logged in.</summary>
    public IssuedTokens Login(string clientId, string user, params IReadOnlyList<string> scope)
    {
        lock (gate)
        {
            return Issue(Found(clientId, user, scope));
        }
    }

    /// <summary>Every access token issued so far expires now; the refresh tokens stay good.</summary>
    public void ExpireAccessTokens()
    {
        lock (gate)
        {
            foreach (var access in accessTokens.Values)
            {
                access.Expiry = time.GetUtcNow();
            }
        }
    }

    /// <summary>Every login so far is over, as when a person removes the program from the account.</summary>
    public void RevokeAll()
    {
        lock (gate)
        {
            families.ForEach(Revoke);
        }
    }

    internal RegisteredClient? Client(string? id) { lock (gate) { return id is null ? null : clients.GetValueOrDefault(id); } }

    internal string IssueCode(CodeGrant grant)
    {
        lock (gate)
        {
            var code = RandomNumberGenerator.GetHexString(32, lowercase: true);
            codes[code] = new Code(grant, time.GetUtcNow() + lifetimes.Code);
            return code;
        }
    }

    internal GrantOutcome Redeem(RegisteredClient client, string presented, string? redirectUri, string? verifier)
    {
        lock (gate)
        {
            if (!codes.TryGetValue(presented, out var code) || code.Grant.ClientId != client.Id)
            {
                return new GrantOutcome.Refused("invalid_grant", "the code is not one of this client's");
            }
            if (code.Used)
            {
                // RFC 6749 section 4.1.2: what the first use gave is revoked.
                reusedCodes++;
                if (code.Family is not null)
                {
                    Revoke(code.Family);
                }
                return new GrantOutcome.Refused("invalid_grant", "the code was used before");
            }
            code.Used = true;
            if (code.Expiry <= time.GetUtcNow())
            {
                return new GrantOutcome.Refused("invalid_grant", "the code is too old");
            }
            if (redirectUri != code.Grant.RedirectUri)
            {
                return new GrantOutcome.Refused("invalid_grant", "the redirect URI is not the one the code was sent to");
            }
            if (!Proves(verifier, code.Grant.Challenge))
            {
                return new GrantOutcome.Refused("invalid_grant", "the PKCE verifier does not fit");
            }
            code.Family = Found(client.Id, code.Grant.User, code.Grant.Scope);
            return new GrantOutcome.Granted(Issue(code.Family));
        }
    }

    internal GrantOutcome Renew(RegisteredClient client, string presented)
    {
        lock (gate)
        {
            if (!refreshTokens.TryGetValue(presented, out var refresh) || refresh.Family.ClientId != client.Id)
            {
                return new GrantOutcome.Refused("invalid_grant", "the refresh token is not one of this client's");
            }
            if (refresh.Used)
            {
                reusedRefreshTokens++;
                Revoke(refresh.Family);
                return new GrantOutcome.Refused("invalid_grant", "the refresh token was used before: its family is revoked");
            }
            if (refresh.Family.Revoked)
            {
                return new GrantOutcome.Refused("invalid_grant", "the login was revoked");
            }
            if (refresh.Expiry <= time.GetUtcNow())
            {
                return new GrantOutcome.Refused("invalid_grant", "the refresh token has expired");
            }
            var now = time.GetUtcNow();
            if (refresh.Family.AccessToken is { } current && accessTokens[current] is { } access && now - access.IssuedAt < RepeatsWithin && now < access.Expiry)
            {
                return new GrantOutcome.Granted(new IssuedTokens(current, presented, refresh.Family.Scope, access.Expiry - now, refresh.Expiry - now));
            }
            refresh.Used = !KeepsRefreshTokens;
            rotations++;
            return new GrantOutcome.Granted(Issue(refresh.Family, KeepsRefreshTokens ? presented : null));
        }
    }

    /// <param name="scope">Null where any token will do.</param>
    internal AccessOutcome Check(string accessToken, string? scope)
    {
        lock (gate)
        {
            return accessTokens.GetValueOrDefault(accessToken) switch
            {
                null => new AccessOutcome.Unknown(),
                var access when access.Expiry <= time.GetUtcNow() => new AccessOutcome.Expired(),
                var access when scope is not null && !access.Family.Scope.Contains(scope) => new AccessOutcome.ScopeMissing(),
                var access => new AccessOutcome.Allowed(access.Family.User, access.Expiry),
            };
        }
    }

    /// <summary>Counts a token request as under way for its family until the answer is disposed of.</summary>
    internal IDisposable Flight(string? refreshToken)
    {
        lock (gate)
        {
            var family = refreshToken is null ? null : refreshTokens.GetValueOrDefault(refreshToken)?.Family;
            if (family is not null)
            {
                maximumInFlight = Math.Max(maximumInFlight, ++family.InFlight);
            }
            return new Landing(this, family);
        }
    }

    internal static bool Proves(string? verifier, string? challenge) => (verifier, challenge) switch
    {
        (null, null) => true,
        // RFC 7636 section 4.6 for a missing verifier, RFC 9700 section 4.8.2 for one without a challenge: both are attacks.
        (null, _) or (_, null) => false,
        _ => verifier.Length is >= 43 and <= 128 && Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))) == challenge,
    };

    private Family Found(string clientId, string user, IReadOnlyList<string> scope)
    {
        var family = new Family(clientId, user, scope);
        families.Add(family);
        return family;
    }

    private IssuedTokens Issue(Family family, string? refreshToken = null)
    {
        Forget(family);
        var (now, lives) = (time.GetUtcNow(), lifetimes);
        var tokens = new IssuedTokens(mint(family.User), refreshToken ?? mint(family.User), family.Scope, lives.Access, lives.Refresh);
        family.AccessToken = tokens.AccessToken;
        accessTokens[tokens.AccessToken] = new Access(family, now) { Expiry = now + lives.Access };
        refreshTokens[tokens.RefreshToken] = new Refresh(family, now + lives.Refresh);
        return tokens;
    }

    private void Revoke(Family family)
    {
        family.Revoked = true;
        Forget(family);
    }

    private void Forget(Family family)
    {
        if (family.AccessToken is not null)
        {
            accessTokens.Remove(family.AccessToken);
        }
    }

    private sealed class Family(string clientId, string user, IReadOnlyList<string> scope)
    {
        public string ClientId { get; } = clientId;
        public string User { get; } = user;
        public IReadOnlyList<string> Scope { get; } = scope;
        public string? AccessToken { get; set; }
        public bool Revoked { get; set; }
        public int InFlight { get; set; }
    }

    private sealed class Code(CodeGrant grant, DateTimeOffset expiry)
    {
        public CodeGrant Grant { get; } = grant;
        public DateTimeOffset Expiry { get; } = expiry;
        public bool Used { get; set; }
        public Family? Family { get; set; }
    }

    private sealed class Access(Family family, DateTimeOffset issuedAt)
    {
        public Family Family { get; } = family;
        public DateTimeOffset IssuedAt { get; } = issuedAt;
        public DateTimeOffset Expiry { get; set; }
    }

    private sealed class Refresh(Family family, DateTimeOffset expiry)
    {
        public Family Family { get; } = family;
        public DateTimeOffset Expiry { get; } = expiry;
        public bool Used { get; set; }
    }

    private sealed class Landing(AuthorizationServer server, Family? family) : IDisposable
    {
        private Family? family = family;

        public void Dispose()
        {
            lock (server.gate)
            {
                if (family is not null)
                {
                    family.InFlight--;
                    family = null;
                }
            }
        }
    }
}
