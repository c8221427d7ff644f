namespace Exporter.Tokens;

/// <summary>A way to obtain a token without a user. Safe for concurrent use; a token manager never makes two calls at a time.</summary>
public interface IGrant
{
    /// <summary>Whether <see cref="RenewAsync"/> can obtain a token, starting from this one or from none.</summary>
    bool CanRenew(Token? current);

    /// <summary>
    /// Requests a new token, once. Values that the response omits come from <paramref name="current"/>. Throws only when
    /// <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken);
}

/// <summary>The refresh-token grant (RFC 6749, section 6).</summary>
public sealed class RefreshTokenGrant(TokenEndpoint endpoint, TimeProvider time) : IGrant
{
    /// <summary>Whether the provider returns the expiry of a refresh token. Otherwise it is assumed, and never stops a request.</summary>
    public bool IsExpiryStated { get; init; } = true;

    public bool CanRenew(Token? current) => current?.RefreshToken is not null;

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        if (current?.RefreshToken is not { } refresh)
        {
            return new Renewal.InvalidGrant("there is no refresh token");
        }
        if (IsExpiryStated && current.RefreshExpiresAt is { } expiry && expiry <= time.GetUtcNow())
        {
            return new Renewal.InvalidGrant($"the refresh token expired at {expiry:u}");
        }
        if (current.Members.Text("client_id") is { } owner && endpoint.Client is { } client
            && !string.Equals(owner.Trim(), client.Id, StringComparison.OrdinalIgnoreCase))
        {
            // Not sent: the provider would treat it as stolen (RFC 6749, section 10.4).
            return new Renewal.InvalidGrant(
                $"the refresh token was issued to the client {Sanitize.Line(owner)}, but {client.Id} is configured; "
                + "log in again, or restore client_id");
        }
        var outcome = await endpoint.RequestAsync([new("grant_type", "refresh_token"), new("refresh_token", refresh.Reveal())], cancellationToken);
        if (outcome is not Renewal.Renewed(var issued))
        {
            return outcome;
        }
        // A client id in the file keeps its spelling.
        var members = issued.Members.With("client_id", current.Members.Text("client_id") ?? issued.Members.Text("client_id"));
        return new Renewal.Renewed(current.After(issued with { Members = members })) { ClockOffset = outcome.ClockOffset };
    }
}
