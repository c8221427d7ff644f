using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Sandbox;

/// <summary>
/// Clients, codes and token families of one provider. A login starts a family, and every renewal replaces both of its tokens. The second use
/// of a refresh token or a code revokes the family (RFC 9700 section 4.14, RFC 6749 section 4.1.2). Thread-safe.
/// </summary>
/// <param name="createToken">Creates a random token for a user, in the provider's format.</param>
public sealed partial class AuthorizationServer(TimeProvider time, TokenLifetimes lifetimes, Func<string, string> createToken)
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

    /// <summary>A renewal returns the same refresh token with a new expiry, and clients can use it any number of times.</summary>
    public bool KeepsRefreshTokens { get; set; }

    /// <summary>A renewal within this time of the last one returns the same tokens with the same expiry. Zero always returns new ones.</summary>
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

    /// <summary>Adds a client, or replaces the client with the same ID.</summary>
    public void Register(RegisteredClient client) { lock (gate) { clients[client.Id] = client; } }

    /// <summary>Starts a new family, as a login does.</summary>
    public IssuedTokens Login(string clientId, string user, params IReadOnlyList<string> scope)
    {
        lock (gate)
        {
            return Issue(AddFamily(clientId, user, scope));
        }
    }

    /// <summary>Expires every access token issued so far. Refresh tokens stay valid.</summary>
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

    /// <summary>Revokes every login so far, as when a user removes the program from the account.</summary>
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

    /// <summary>The two grants of an authorized user, for a client that is authenticated.</summary>
    /// <param name="field">A field of the token request; null if it is missing or repeated.</param>
    /// <param name="unsupported">The reason for the rejection of any other grant.</param>
    internal GrantOutcome Exchange(RegisteredClient client, string grantType, Func<string, string?> field, string unsupported) => grantType switch
    {
        "refresh_token" when field("refresh_token") is { } token => Renew(client, token),
        "authorization_code" when field("code") is { } code => Redeem(client, code, field("redirect_uri"), field("code_verifier")),
        "refresh_token" or "authorization_code" => new GrantOutcome.Rejected("invalid_request", "a parameter is missing"),
        _ => new GrantOutcome.Rejected("unsupported_grant_type", unsupported),
    };

    internal GrantOutcome Redeem(RegisteredClient client, string presented, string? redirectUri, string? verifier)
    {
        lock (gate)
        {
            if (!codes.TryGetValue(presented, out var code) || code.Grant.ClientId != client.Id)
            {
                return new GrantOutcome.Rejected("invalid_grant", "the code belongs to another client");
            }
            if (code.Used)
            {
                // RFC 6749 section 4.1.2: revoke the tokens from the first use.
                reusedCodes++;
                if (code.Family is not null)
                {
                    Revoke(code.Family);
                }
                return new GrantOutcome.Rejected("invalid_grant", "the code was used before");
            }
            code.Used = true;
            if (code.Expiry <= time.GetUtcNow())
            {
                return new GrantOutcome.Rejected("invalid_grant", "the code has expired");
            }
            if (redirectUri != code.Grant.RedirectUri)
            {
                return new GrantOutcome.Rejected("invalid_grant", "the redirect URI is not the one that the code was sent to");
            }
            if (!IsPkceValid(verifier, code.Grant.Challenge))
            {
                return new GrantOutcome.Rejected("invalid_grant", "the PKCE verifier does not match the challenge");
            }
            code.Family = AddFamily(client.Id, code.Grant.User, code.Grant.Scope);
            return new GrantOutcome.Granted(Issue(code.Family));
        }
    }

    internal GrantOutcome Renew(RegisteredClient client, string presented)
    {
        lock (gate)
        {
            if (!refreshTokens.TryGetValue(presented, out var refresh) || refresh.Family.ClientId != client.Id)
            {
                return new GrantOutcome.Rejected("invalid_grant", "the refresh token belongs to another client");
            }
            if (refresh.Used)
            {
                reusedRefreshTokens++;
                Revoke(refresh.Family);
                return new GrantOutcome.Rejected("invalid_grant", "the refresh token was used before, so its family is revoked");
            }
            if (refresh.Family.Revoked)
            {
                return new GrantOutcome.Rejected("invalid_grant", "the login was revoked");
            }
            if (refresh.Expiry <= time.GetUtcNow())
            {
                return new GrantOutcome.Rejected("invalid_grant", "the refresh token has expired");
            }
            var now = time.GetUtcNow();
            if (refresh.Family.AccessToken is { } current && accessTokens[current] is var access
                && now - access.IssuedAt < RepeatsWithin && now < access.Expiry)
            {
                return new GrantOutcome.Granted(
                    new IssuedTokens(refresh.Family.User, current, presented, refresh.Family.Scope, access.Expiry - now, refresh.Expiry - now));
            }
            refresh.Used = !KeepsRefreshTokens;
            rotations++;
            return new GrantOutcome.Granted(Issue(refresh.Family, KeepsRefreshTokens ? presented : null));
        }
    }

    /// <param name="scope">Null if any valid token is enough.</param>
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

    /// <summary>Counts a concurrent token request of a family, until the caller disposes of the result.</summary>
    internal IDisposable TrackRequest(string? refreshToken)
    {
        lock (gate)
        {
            var family = refreshToken is null ? null : refreshTokens.GetValueOrDefault(refreshToken)?.Family;
            if (family is not null)
            {
                maximumInFlight = Math.Max(maximumInFlight, ++family.InFlight);
            }
            return new RequestTracker(this, family);
        }
    }

    internal static bool IsPkceValid(string? verifier, string? challenge) => (verifier, challenge) switch
    {
        (null, null) => true,
        // A missing verifier (RFC 7636 section 4.6) and one without a challenge (RFC 9700 section 4.8.2) are both attacks.
        (null, _) or (_, null) => false,
        _ => verifier.Length is >= 43 and <= 128 && Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))) == challenge,
    };

    private Family AddFamily(string clientId, string user, IReadOnlyList<string> scope)
    {
        var family = new Family(clientId, user, scope);
        families.Add(family);
        return family;
    }

    private IssuedTokens Issue(Family family, string? refreshToken = null)
    {
        RemoveAccessToken(family);
        var (now, current) = (time.GetUtcNow(), lifetimes);
        var tokens = new IssuedTokens(
            family.User, createToken(family.User), refreshToken ?? createToken(family.User), family.Scope, current.Access, current.Refresh);
        family.AccessToken = tokens.AccessToken;
        accessTokens[tokens.AccessToken] = new Access(family, now) { Expiry = now + current.Access };
        refreshTokens[tokens.RefreshToken] = new Refresh(family, now + current.Refresh);
        return tokens;
    }

    private void Revoke(Family family)
    {
        family.Revoked = true;
        RemoveAccessToken(family);
    }

    private void RemoveAccessToken(Family family)
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

    private sealed class RequestTracker(AuthorizationServer server, Family? family) : IDisposable
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
