using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// The personal access token: renewed by an integration's refresh token, which has to be used now and then to live on; or, where
/// there is no integration, used until it ends. Of a token that came without its end Webex is asked for it. Safe for concurrent use.
/// </summary>
/// <param name="client">The integration that the refresh token was given to; null where there is none.</param>
internal sealed class PersonalGrant(TokenEndpoint endpoint, Func<Token?, OAuthClient?> client, TokenProbe probe, TimeProvider time) : IGrant
{
    private const string Remedy = "log in again, or paste a new one from developer.webex.com: exporter login, or exporter login --token";

    private readonly RefreshTokenGrant refresh = new(endpoint, time);

    /// <summary>The token that Webex was asked about last: once is enough.</summary>
    private volatile Secret? asked;

    public bool CanRenew(Token? current) => HasIntegration(current) || (current is { AccessToken: { } access, ExpiresAt: null } && !access.Equals(asked));

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        if (current?.AccessToken is null && !HasIntegration(current))
        {
            return new Renewal.InvalidGrant($"there is no personal access token: {Remedy}");
        }
        var (ended, reason) = (current!.ExpiresAt <= time.GetUtcNow(), $"the personal access token ended at {current.ExpiresAt:u}");
        if (!ended && current.AccessToken is { } access && (current.ExpiresAt is null || !HasIntegration(current)))
        {
            switch (await CheckAsync(access, cancellationToken))
            {
                case TokenCheck.Good(var end):
                    return new Renewal.Renewed(current with { ExpiresAt = end ?? current.ExpiresAt, Lifetime = null });
                case TokenCheck.Unknown(var kind, var trouble, var retryAfter):
                    return new Renewal.Transient(kind, trouble, retryAfter);
                case TokenCheck.Bad(var bad):
                    reason = bad;
                    break;
            }
        }
        if (!HasIntegration(current))
        {
            return new Renewal.InvalidGrant($"{reason}: {Remedy}");
        }
        var outcome = await refresh.RenewAsync(current, cancellationToken);
        return outcome switch
        {
            Renewal.InvalidGrant(var dead) => new Renewal.InvalidGrant($"the integration: {dead}: {Remedy}") { ClockOffset = outcome.ClockOffset, Error = outcome.Error },
            Renewal.InvalidClient(var wrong) => new Renewal.InvalidClient($"the integration: {wrong}") { ClockOffset = outcome.ClockOffset, Error = outcome.Error },
            _ => outcome,
        };
    }

    /// <summary>Asks Webex whether a token is good. One that it knows no end of is not asked about again, and used until it is refused.</summary>
    public async Task<TokenCheck> CheckAsync(Secret access, CancellationToken cancellationToken)
    {
        var outcome = await probe.AskPersonalAsync(access, cancellationToken);
        asked = outcome is TokenCheck.Good ? access : asked;
        return outcome;
    }

    /// <summary>Whether an integration can be asked for the next token.</summary>
    public bool HasIntegration(Token? token) => token?.RefreshToken is not null && client(token) is not null;
}
