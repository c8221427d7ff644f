using System.Globalization;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>
/// BmwTokenManager's token.json: the members of BMW's answer, <c>fetched_at</c> and <c>expires_at</c> in Unix seconds, and whatever
/// else was in the file, above all <c>client_id</c>, <c>gcid</c> and <c>vin</c>.
/// </summary>
internal sealed class BmwTokenManagerFormat : JsonTokenFormat
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token", "expires_at", "fetched_at"];

    /// <summary>Members that no other shape has; a file may hold little more than a refresh token and one of these.</summary>
    private static readonly string[] Marks = ["gcid", "client_id", "vin", "fetched_at", "expires_at"];

    public override string Name => "BMW token manager";

    /// <summary>As PHP's JSON_PRETTY_PRINT lays it out.</summary>
    protected override JsonStyle NewFile { get; } = new("    ", FinalNewline: false);

    protected override bool Recognises(JsonMembers members) =>
        members.Inner("access_token") is null && members.Inner("refresh_token") is null && (members.Has("access_token") || members.Has("refresh_token")) && Marks.Any(members.Has);

    protected override Token Read(JsonMembers members)
    {
        var lifetime = members.Number("expires_in") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var fetched = Time(members, "fetched_at");
        var refresh = Secret.From(members.Text("refresh_token"));
        return new Token
        {
            AccessToken = Secret.From(members.Text("access_token")),
            RefreshToken = refresh,
            IdToken = Secret.From(members.Text("id_token")),
            ExpiresAt = Time(members, "expires_at") ?? fetched + lifetime,
            RefreshExpiresAt = refresh is null ? null : fetched + BmwLogin.RefreshLifetime,
            Lifetime = lifetime,
            Members = members.Without(Known),
        };
    }

    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style)
    {
        var written = members
            .With("access_token", token.AccessToken?.Reveal())
            .With("refresh_token", token.RefreshToken?.Reveal())
            .With("id_token", token.IdToken?.Reveal());
        written = With(written, "fetched_at", token.ExpiresAt - token.Lifetime);
        return With(written, "expires_at", token.ExpiresAt);
    }

    private static JsonMembers With(JsonMembers members, string name, DateTimeOffset? time) =>
        time is { } at ? members.With(name, at.ToUnixTimeSeconds()) : members.Without(name);

    private static DateTimeOffset? Time(JsonMembers members, string name) =>
        members.Number(name) is > 0 and < 1e11 and var seconds ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : null;
}

/// <summary>
/// The CarData streaming client's file: <c>{"access_token":{"token","expires_at","type"},"refresh_token":{…},"id_token":{…},"gcid","scope"}</c>,
/// its times ISO 8601 of the writer's zone without naming it.
/// </summary>
internal sealed class CarDataClientFormat(TimeZoneInfo zone) : JsonTokenFormat
{
    private static readonly string[] Parts = ["access_token", "refresh_token", "id_token"];

    public override string Name => "CarData client";

    protected override JsonStyle NewFile { get; } = new("  ", FinalNewline: false);

    protected override bool Recognises(JsonMembers members) => Parts.Any(part => members.Inner(part) is not null);

    protected override Token Read(JsonMembers members) => new()
    {
        AccessToken = TokenOf(members, "access_token"),
        RefreshToken = TokenOf(members, "refresh_token"),
        IdToken = TokenOf(members, "id_token"),
        ExpiresAt = EndOf(members, "access_token"),
        RefreshExpiresAt = EndOf(members, "refresh_token"),
        Members = members.Without(Parts),
    };

    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style)
    {
        // BMW's id token lives as long as the access token that it comes with.
        var written = With(members, "access_token", token.AccessToken, token.ExpiresAt, token.Members.Text("token_type") ?? "Bearer", style);
        written = With(written, "refresh_token", token.RefreshToken, token.RefreshExpiresAt, type: null, style);
        return With(written, "id_token", token.IdToken, Jwt.Expiry(token.IdToken) ?? token.ExpiresAt, type: null, style);
    }

    private static Secret? TokenOf(JsonMembers members, string part) => Secret.From(members.Inner(part)?.Text("token"));

    private DateTimeOffset? EndOf(JsonMembers members, string part) =>
        DateTime.TryParse(members.Inner(part)?.Text("expires_at"), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var end) ? Instant(end) : null;

    private JsonMembers With(JsonMembers members, string part, Secret? token, DateTimeOffset? end, string? type, JsonStyle style)
    {
        if (token is null)
        {
            return members.Without(part);
        }
        var inner = (members.Inner(part) ?? JsonMembers.Empty)
            .With("token", token.Reveal())
            .With("expires_at", end is { } at ? TimeZoneInfo.ConvertTime(at, zone).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture) : null);
        return members.With(part, type is null || inner.Has("type") ? inner : inner.With("type", type), style);
    }

    /// <summary>An hour that the clocks go through twice, or leave out, means the earlier moment: a token renewed too early is still a token.</summary>
    private DateTimeOffset Instant(DateTime end)
    {
        if (end.Kind != DateTimeKind.Unspecified)
        {
            return new DateTimeOffset(end.ToUniversalTime());
        }
        var offset = zone.IsAmbiguousTime(end) ? zone.GetAmbiguousTimeOffsets(end).Max()
            : zone.IsInvalidTime(end) ? zone.GetUtcOffset(end.AddHours(3))
            : zone.GetUtcOffset(end);
        return new DateTimeOffset(DateTime.SpecifyKind(end, DateTimeKind.Unspecified), offset).ToUniversalTime();
    }
}
