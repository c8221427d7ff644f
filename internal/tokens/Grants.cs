namespace Exporter.Tokens;

/// <summary>One way of obtaining a token without a person. Safe for concurrent use; the keeper never asks twice at a time.</summary>
public interface IGrant
{
    /// <summary>Whether <see cref="RenewAsync"/> has something to begin with, from this token or from none.</summary>
    bool CanRenew(Token? current);

    /// <summary>
    /// Asks for a new token, once. The outcome's token is complete: what the answer left out is taken from
    /// <paramref name="current"/>. Throws only when <paramref name="cancellation"/> asks it to stop.
    /// </summary>
    Task<Renewal> RenewAsync(Token? current, CancellationToken cancellation);
}

/// <summary>The refresh-token grant (RFC 6749, section 6).</summary>
public sealed class RefreshTokenGrant(TokenEndpoint endpoint, TimeProvider time) : IGrant
{
    public bool CanRenew(Token? current) => current?.RefreshToken is not null;

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellation)
    {
        if (current?.RefreshToken is not { } refresh)
        {
            return new Renewal.Rejected("there is no refresh token");
        }
        if (current.RefreshExpiresAt is { } end && end <= time.GetUtcNow())
        {
            return new Renewal.Rejected($"the refresh token ended at {end:u}");
        }
        var outcome = await endpoint.RequestAsync([new("grant_type", "refresh_token"), new("refresh_token", refresh.Reveal())], cancellation);
        return outcome is Renewal.Renewed(var answer) ? new Renewal.Renewed(current.After(answer)) { ClockOffset = outcome.ClockOffset } : outcome;
    }
}
