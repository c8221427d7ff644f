namespace Exporter.Webex;

/// <summary>
/// Renews the personal access token with an integration's refresh token. Without an integration, the token is used until it expires; if its
/// expiry is unknown, this grant reads it from Webex. Safe for concurrent use.
/// </summary>
/// <param name="client">The integration that the refresh token was issued to; null if there is none.</param>
internal sealed class PersonalTokenGrant(TokenEndpoint endpoint, Func<Token?, OAuthClient?> client, TokenProbe probe, TimeProvider time) : IGrant
{
    private const string Remedy = "run oauth-exporter login, or paste a new token from developer.webex.com with oauth-exporter login --token";

    private readonly RefreshTokenGrant refresh = new(endpoint, time);

    /// <summary>The last token that Webex confirmed. It is checked only once.</summary>
    private volatile Secret? confirmed;

    public bool CanRenew(Token? current) =>
        HasIntegration(current) || (current is { AccessToken: { } access, ExpiresAt: null } && !access.Equals(confirmed));

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        if (current?.AccessToken is null && !HasIntegration(current))
        {
            return new Renewal.InvalidGrant($"there is no personal access token; {Remedy}");
        }
        var reason = $"the personal access token expired at {current!.ExpiresAt:u}";
        var hasExpired = current.ExpiresAt <= time.GetUtcNow();
        if (!hasExpired && current.AccessToken is { } access && (current.ExpiresAt is null || !HasIntegration(current)))
        {
            switch (await CheckAsync(access, cancellationToken))
            {
                case TokenCheck.Valid(var expiry):
                    return new Renewal.Renewed(current with { ExpiresAt = expiry ?? current.ExpiresAt, Lifetime = null });
                case TokenCheck.Unknown(var kind, var failure, var retryAfter):
                    return new Renewal.Transient(kind, failure, retryAfter);
                case TokenCheck.Invalid(var rejection):
                    reason = rejection;
                    break;
            }
        }
        if (!HasIntegration(current))
        {
            return new Renewal.InvalidGrant($"{reason}; {Remedy}");
        }
        return await refresh.RenewAsync(current, cancellationToken) switch
        {
            Renewal.InvalidGrant rejected => rejected with { Reason = $"the integration: {rejected.Reason}; {Remedy}" },
            Renewal.InvalidClient rejected => rejected with { Reason = $"the integration: {rejected.Reason}" },
            var outcome => outcome,
        };
    }

    /// <summary>Checks a token at Webex. A valid token is not checked again, and used until Webex rejects it.</summary>
    public async Task<TokenCheck> CheckAsync(Secret access, CancellationToken cancellationToken)
    {
        var outcome = await probe.CheckPersonalTokenAsync(access, cancellationToken);
        confirmed = outcome is TokenCheck.Valid ? access : confirmed;
        return outcome;
    }

    public bool HasIntegration(Token? token) => token?.RefreshToken is not null && client(token) is not null;
}
