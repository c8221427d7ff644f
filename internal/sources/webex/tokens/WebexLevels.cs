namespace Exporter.Webex;

/// <summary>The four ways to get a service app's token, in the order in which they are tried. Reads snapshots and sends no request.</summary>
internal sealed class WebexLevels(
    string loginCommand, ServiceAppGrant grant, TokenManager serviceApp, PersonalTokenGrant personalGrant, TokenManager personal)
{
    /// <param name="own">The state of the service app's token.</param>
    public IReadOnlyList<TokenLevel> At(TokenState own, DateTimeOffset now)
    {
        var upstream = personal.Snapshot.State;
        var (hasPersonalToken, integrationExpiry) = (upstream.Token?.IsUsable(now) == true, upstream.Token?.RefreshExpiresAt);
        var hasIntegration = upstream is TokenState.Active && personalGrant.HasIntegration(upstream.Token) && !(integrationExpiry <= now);
        return
        [
            new("service app, by its refresh token", own is TokenState.Active && grant.CanUseRefreshToken(own.Token), own.Token?.RefreshExpiresAt,
                grant.WhyRefreshTokenIsUnusable(own.Token) ?? (own is TokenState.InvalidClient(_, var reason, _) ? reason : NextRenewal(serviceApp))),
            new("service app, by the personal access token", hasPersonalToken, upstream.Token?.ExpiresAt, DescribePersonalToken(upstream, now)),
            new("personal access token, by the integration", hasIntegration, integrationExpiry, DescribeIntegration(upstream, now)),
            new("you", true, null, $"needed when no other way is left: {loginCommand}"),
        ];
    }

    private string DescribePersonalToken(TokenState upstream, DateTimeOffset now) => upstream switch
    {
        TokenState.Missing => $"there is none in {personal.StoreLocation}",
        { Token: { } token } when token.IsUsable(now) => "used when Webex rejects the service app's refresh token",
        TokenState.Lost(_, var reason, _) => reason,
        TokenState.InvalidClient(_, var reason, _) => reason,
        _ => $"expired; {NextRenewal(personal)}",
    };

    private string DescribeIntegration(TokenState upstream, DateTimeOffset now) => upstream switch
    {
        TokenState.Lost(_, var reason, _) when upstream.Token?.RefreshToken is not null => reason,
        TokenState.InvalidClient(_, var reason, _) => reason,
        _ when !personalGrant.HasIntegration(upstream.Token) => $"there is none in {personal.StoreLocation}",
        _ when upstream.Token?.RefreshExpiresAt <= now => "its refresh token has expired",
        _ => NextRenewal(personal),
    };

    private static string NextRenewal(TokenManager manager) => manager.NextRenewal is { } at ? $"next renewal at {at:u}" : "renewed when needed";
}
