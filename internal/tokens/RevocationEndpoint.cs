namespace Exporter.Tokens;

/// <summary>A token revocation endpoint (RFC 7009). Safe for concurrent use.</summary>
/// <param name="endpoint">Has the address of the revocation endpoint, and the same client as the token endpoint (section 2.1).</param>
public sealed class RevocationEndpoint(TokenEndpoint endpoint)
{
    /// <summary>
    /// Revokes the refresh token and with it its access tokens (section 2.1); without a refresh token, revokes the access token. Returns
    /// null when the provider no longer accepts them, even if it never did (section 2.2). Otherwise returns the reason as a sentence.
    /// </summary>
    public async Task<string?> RevokeAsync(Token token, CancellationToken cancellationToken)
    {
        var (secret, hint) = token.RefreshToken is { } refresh ? (refresh, "refresh_token") : (token.AccessToken, "access_token");
        if (secret is null)
        {
            return null;
        }
        var form = new Dictionary<string, string> { ["token"] = secret.Reveal(), ["token_type_hint"] = hint };
        return (await endpoint.PostAsync(form, mayBeEmpty: true, cancellationToken)).Failure switch
        {
            null => null,
            Renewal.Transient(_, var reason, _) => reason,
            Renewal.InvalidClient(var reason) => reason,
            Renewal.InvalidGrant(var reason) => reason,
            _ => throw new InvalidOperationException("a failure contains no token"),
        };
    }
}
