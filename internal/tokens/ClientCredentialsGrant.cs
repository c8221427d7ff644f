namespace Exporter.Tokens;

/// <summary>The client-credentials grant (RFC 6749, section 4.4): the client logs in for itself, without a user.</summary>
public sealed class ClientCredentialsGrant(TokenEndpoint endpoint, IReadOnlyList<string> scopes, string scopeSeparator = " ") : IGrant
{
    public bool CanRenew(Token? current) => true;

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        var form = TokenEndpoint.Parameters(("grant_type", "client_credentials"), ("scope", string.Join(scopeSeparator, scopes)));
        var (outcome, error) = await endpoint.RequestWithErrorAsync(form, cancellationToken);
        return outcome switch
        {
            // Section 4.4.3: "A refresh token SHOULD NOT be included." Without a user, a new request replaces it.
            Renewal.Renewed(var issued) => issued.AccessToken is null
                ? new Renewal.Transient(FailureKind.MalformedAnswer, "the response of the token endpoint has no access token")
                {
                    ClockOffset = outcome.ClockOffset,
                }
                : new Renewal.Renewed((current ?? new Token()).ReplacedBy(issued with { RefreshToken = null, RefreshExpiresAt = null }))
                {
                    ClockOffset = outcome.ClockOffset,
                },
            // There is no login that could be lost, only a client that the server rejects.
            Renewal.InvalidGrant => new Renewal.InvalidClient(
                error?.Describe("the server rejects the client's credentials") ?? "the server rejects the client's credentials")
            {
                ClockOffset = outcome.ClockOffset,
                Error = outcome.Error,
            },
            _ => outcome,
        };
    }
}
