using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>The four ways to a service app's token, in the order in which they are gone. Reads snapshots and asks nobody.</summary>
internal sealed class WebexLevels(string loginCommand, ServiceAppGrant grant, Keeper serviceApp, PersonalGrant personalGrant, Keeper personal)
{
    public IReadOnlyList<TokenLevel> At(DateTimeOffset now)
    {
        var (own, beneath) = (serviceApp.Snapshot.State, personal.Snapshot.State);
        return
        [
            new("service app, by its refresh token", IsByRefreshToken(own), own.Token?.RefreshExpiresAt,
                grant.Obstacle(own.Token) ?? (own is TokenState.Refused(_, var wrong, _) ? wrong : Planned(serviceApp, "the service app's token is renewed"))),
            new("service app, by the personal access token", IsByPersonalToken(beneath, now), beneath.Token?.ExpiresAt, OfPersonalToken(beneath, now)),
            new("personal access token, by the integration", IsByIntegration(beneath, now), beneath.Token?.RefreshExpiresAt, OfIntegration(beneath, now)),
            new("a person", true, null, $"needed once nothing else is left: {loginCommand}"),
        ];
    }

    /// <summary>How many ways are left before a person is needed.</summary>
    /// <param name="own">The state of the service app's token.</param>
    public int Count(TokenState own, DateTimeOffset now)
    {
        var beneath = personal.Snapshot.State;
        return (IsByRefreshToken(own) ? 1 : 0) + (IsByPersonalToken(beneath, now) ? 1 : 0) + (IsByIntegration(beneath, now) ? 1 : 0);
    }

    private bool IsByRefreshToken(TokenState own) => own is TokenState.Active && grant.IsLeft(own.Token);

    private static bool IsByPersonalToken(TokenState beneath, DateTimeOffset now) => beneath.Token?.IsUsable(now) == true;

    private bool IsByIntegration(TokenState beneath, DateTimeOffset now) =>
        beneath is TokenState.Active && personalGrant.HasIntegration(beneath.Token) && !(beneath.Token?.RefreshExpiresAt <= now);

    private string OfPersonalToken(TokenState beneath, DateTimeOffset now) => beneath switch
    {
        TokenState.Missing => $"there is none in {personal.StoreLocation}",
        { Token: { } token } when token.IsUsable(now) => "used when the service app's refresh token is refused",
        TokenState.Lost(_, var reason, _) => reason,
        TokenState.Refused(_, var reason, _) => reason,
        _ => Planned(personal, "it has ended, and is renewed"),
    };

    private string OfIntegration(TokenState beneath, DateTimeOffset now) => beneath switch
    {
        TokenState.Lost(_, var reason, _) when beneath.Token?.RefreshToken is not null => reason,
        TokenState.Refused(_, var reason, _) => reason,
        _ when !personalGrant.HasIntegration(beneath.Token) => $"there is none in {personal.StoreLocation}",
        _ when beneath.Token?.RefreshExpiresAt <= now => "its refresh token has ended",
        _ => Planned(personal, "the personal access token is renewed"),
    };

    private static string Planned(Keeper keeper, string what) => keeper.NextRenewal is { } at ? $"next: {what} at {at:u}" : $"{what} when it has to be";
}
