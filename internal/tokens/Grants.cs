namespace Exporter.Tokens;

/// <summary>One way of obtaining a token without a person. Safe for concurrent use; the token manager never asks twice at a time.</summary>
public interface IGrant
{
    /// <summary>Whether <see cref="RenewAsync"/> has something to begin with, from this token or from none.</summary>
    bool CanRenew(Token? current);

    /// <summary>
    /// Asks for a new token, once. The outcome's token is complete: what the answer left out is taken from
    /// <paramref name="current"/>. Throws only when <paramref name="cancellationToken"/> asks it to stop.
    /// </summary>
    Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken);
}

/// <summary>The refresh-token grant (RFC 6749, section 6).</summary>
public sealed class RefreshTokenGrant(TokenEndpoint endpoint, TimeProvider time) : IGrant
{
    public bool CanRenew(Token? current) => current?.RefreshToken is not null;

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        if (current?.RefreshToken is not { } refresh)
        {
            return new Renewal.InvalidGrant("there is no refresh token");
        }
        if (current.RefreshExpiresAt is { } end && end <= time.GetUtcNow())
        {
            return new Renewal.InvalidGrant($"the refresh token expired at {end:u}");
        }
        if (current.Members.Text("client_id") is { } owner && endpoint.Client is { } client && !string.Equals(owner.Trim(), client.Id, StringComparison.OrdinalIgnoreCase))
        {
            // Not sent: the provider would call it stolen (RFC 6749, section 10.4).
            return new Renewal.InvalidGrant($"the refresh token was given to the client {Sanitize.Line(owner)}, and {client.Id} is configured now; log in again, or set client_id back");
        }
        var outcome = await endpoint.RequestAsync([new("grant_type", "refresh_token"), new("refresh_token", refresh.Reveal())], cancellationToken);
        if (outcome is not Renewal.Renewed(var answer))
        {
            return outcome;
        }
        // A client id that is in the file stays as it is spelt there.
        var members = answer.Members.With("client_id", current.Members.Text("client_id") ?? answer.Members.Text("client_id"));
        return new Renewal.Renewed(current.After(answer with { Members = members })) { ClockOffset = outcome.ClockOffset };
    }
}
