using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>The four ways to a service app's token, in the order in which they are gone. Reads snapshots and asks nobody.</summary>
internal sealed class WebexLevels(string loginCommand, ServiceAppGrant grant, TokenManager serviceApp, PersonalGrant personalGrant, TokenManager personal)
{
    public IReadOnlyList<TokenLevel> At(DateTimeOffset now)
    {
        var (own, upstream) = (serviceApp.Snapshot.State, personal.Snapshot.State);
        return
        [
            new("service app, by its refresh token", IsByRefreshToken(own), own.Token?.RefreshExpiresAt,
                grant.Obstacle(own.Token) ?? (own is TokenState.InvalidClient(_, var wrong, _) ? wrong : Planned(serviceApp, "the service app's token is renewed"))),
            new("service app, by the personal access token", IsByPersonalToken(upstream, now), upstream.Token?.ExpiresAt, OfPersonalToken(upstream, now)),
            new("personal access token, by the integration", IsByIntegration(upstream, now), upstream.Token?.RefreshExpiresAt, OfIntegration(upstream, now)),
            new("a person", true, null, $"needed once nothing else is left: {loginCommand}"),
        ];
    }

    /// <summary>How many ways are left before a person is needed.</summary>
    /// <param name="own">The state of the service app's token.</param>
    public int Count(TokenState own, DateTimeOffset now)
    {
        var upstream = personal.Snapshot.State;
        return (IsByRefreshToken(own) ? 1 : 0) + (IsByPersonalToken(upstream, now) ? 1 : 0) + (IsByIntegration(upstream, now) ? 1 : 0);
    }

    private bool IsByRefreshToken(TokenState own) => own is TokenState.Active && grant.IsLeft(own.Token);

    private static bool IsByPersonalToken(TokenState upstream, DateTimeOffset now) => upstream.Token?.IsUsable(now) == true;

    private bool IsByIntegration(TokenState upstream, DateTimeOffset now) =>
        upstream is TokenState.Active && personalGrant.HasIntegration(upstream.Token) && !(upstream.Token?.RefreshExpiresAt <= now);

    private string OfPersonalToken(TokenState upstream, DateTimeOffset now) => upstream switch
    {
        TokenState.Missing => $"there is none in {personal.StoreLocation}",
        { Token: { } token } when token.IsUsable(now) => "used when the service app's refresh token is refused",
        TokenState.Lost(_, var reason, _) => reason,
        TokenState.InvalidClient(_, var reason, _) => reason,
        _ => Planned(personal, "it has ended, and is renewed"),
    };

    private string OfIntegration(TokenState upstream, DateTimeOffset now) => upstream switch
    {
        TokenState.Lost(_, var reason, _) when upstream.Token?.RefreshToken is not null => reason,
        TokenState.InvalidClient(_, var reason, _) => reason,
        _ when !personalGrant.HasIntegration(upstream.Token) => $"there is none in {personal.StoreLocation}",
        _ when upstream.Token?.RefreshExpiresAt <= now => "its refresh token has ended",
        _ => Planned(personal, "the personal access token is renewed"),
    };

    private static string Planned(TokenManager manager, string what) => manager.NextRenewal is { } at ? $"next: {what} at {at:u}" : $"{what} when it has to be";
}
