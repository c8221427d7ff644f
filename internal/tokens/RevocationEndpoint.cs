namespace Exporter.Tokens;

/// <summary>A token revocation endpoint (RFC 7009): ends a login at the provider. Safe for concurrent use.</summary>
/// <param name="endpoint">Addressed at the revocation endpoint; the same client as at the token endpoint (section 2.1).</param>
public sealed class RevocationEndpoint(TokenEndpoint endpoint)
{
    /// <summary>
    /// Revokes the refresh token, which takes its access tokens along (section 2.1); without one, the access token. Null when
    /// the provider knows neither any more, whatever it knew before (section 2.2); else why it did not revoke, in a sentence.
    /// </summary>
    public async Task<string?> RevokeAsync(Token token, CancellationToken cancellationToken)
    {
        var (secret, hint) = token.RefreshToken is { } refresh ? (refresh, "refresh_token") : (token.AccessToken, "access_token");
        if (secret is null)
        {
            return null;
        }
        return await endpoint.TellAsync([new("token", secret.Reveal()), new("token_type_hint", hint)], cancellationToken) switch
        {
            null => null,
            Renewal.Transient(_, var reason, _) => reason,
            Renewal.InvalidClient(var reason) => reason,
            Renewal.InvalidGrant(var reason) => reason,
            _ => throw new InvalidOperationException("a failure is no token"),
        };
    }
}
