namespace Exporter.Sandbox;

/// <summary>The grants without a page for the user: client credentials and password.</summary>
public sealed partial class AuthorizationServer
{
    private readonly Dictionary<string, string> passwords = [];

    /// <summary>Adds a user for the password grant, or replaces the user's password.</summary>
    public void RegisterUser(string user, string password) { lock (gate) { passwords[user] = password; } }

    /// <summary>RFC 6749 section 4.4. Each request starts a family, so that earlier access tokens stay valid.</summary>
    internal GrantOutcome GrantClientCredentials(RegisteredClient client, IReadOnlyList<string> scope)
    {
        // RFC 6749 section 4.4: only confidential clients may use this grant.
        if (client.Secret is null)
        {
            return new GrantOutcome.Rejected("unauthorized_client", "a public client cannot use client credentials");
        }
        lock (gate)
        {
            var (now, lifetime) = (time.GetUtcNow(), lifetimes.Access);
            var family = AddFamily(client.Id, client.Id, scope);
            var token = createToken(client.Id);
            family.AccessToken = token;
            accessTokens[token] = new Access(family, now) { Expiry = now + lifetime };
            // RFC 6749 section 4.4.3: without a refresh token.
            return new GrantOutcome.GrantedAccess(token, scope, lifetime);
        }
    }

    /// <summary>RFC 6749 section 4.3.</summary>
    internal GrantOutcome GrantPassword(RegisteredClient client, string user, string password, IReadOnlyList<string> scope)
    {
        lock (gate)
        {
            // RFC 6749 section 5.2: wrong credentials of the resource owner are an invalid grant.
            return passwords.TryGetValue(user, out var expected) && expected == password
                ? new GrantOutcome.Granted(Issue(AddFamily(client.Id, user, scope)))
                : new GrantOutcome.Rejected("invalid_grant", "the user name or the password is wrong");
        }
    }

    /// <summary>The scope of a refresh token; null if the token is unknown.</summary>
    internal IReadOnlyList<string>? ScopeOf(string refreshToken)
    {
        lock (gate)
        {
            return refreshTokens.GetValueOrDefault(refreshToken)?.Family.Scope;
        }
    }
}
