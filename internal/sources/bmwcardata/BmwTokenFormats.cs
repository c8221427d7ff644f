using System.Globalization;

namespace Exporter.BmwCarData;

/// <summary>
/// BmwTokenManager's token.json: the members of BMW's response, <c>fetched_at</c> and <c>expires_at</c> in Unix seconds, and all other
/// members of the file, such as <c>client_id</c>, <c>gcid</c> and <c>vin</c>.
/// </summary>
internal sealed class BmwTokenManagerFormat : JsonTokenFormat
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token", "expires_at", "fetched_at"];

    /// <summary>Members that no other format has. One of them and a token are enough to recognize the format.</summary>
    private static readonly string[] Typical = ["gcid", "client_id", "vin", "fetched_at", "expires_at"];

    public override string Name => "BMW token manager";

    /// <summary>The layout of PHP's JSON_PRETTY_PRINT.</summary>
    protected override JsonStyle NewFile { get; } = new("    ", FinalNewline: false);

    protected override bool Recognises(JsonMembers members) =>
        members.Inner("access_token") is null && members.Inner("refresh_token") is null
        && (members.Has("access_token") || members.Has("refresh_token")) && Typical.Any(members.Has);

    protected override Token Read(JsonMembers members)
    {
        var lifetime = members.Number("expires_in") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var fetched = members.UnixTime("fetched_at");
        var refresh = Secret.From(members.Text("refresh_token"));
        return new Token
        {
            AccessToken = Secret.From(members.Text("access_token")),
            RefreshToken = refresh,
            IdToken = Secret.From(members.Text("id_token")),
            ExpiresAt = members.UnixTime("expires_at") ?? fetched + lifetime,
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
        return written.WithUnixTime("fetched_at", token.ExpiresAt - token.Lifetime).WithUnixTime("expires_at", token.ExpiresAt);
    }
}

/// <summary>
/// The CarData streaming client's file: <c>{"access_token":{"token","expires_at","type"},"refresh_token":{…},"id_token":{…},"gcid","scope"}</c>,
/// with times in ISO 8601 in the writer's time zone, without an offset.
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
        ExpiresAt = ExpiryOf(members, "access_token"),
        RefreshExpiresAt = ExpiryOf(members, "refresh_token"),
        Members = members.Without(Parts),
    };

    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style)
    {
        // BMW's ID token expires together with its access token.
        var written = With(members, "access_token", token.AccessToken, token.ExpiresAt, token.Members.Text("token_type") ?? "Bearer", style);
        written = With(written, "refresh_token", token.RefreshToken, token.RefreshExpiresAt, type: null, style);
        return With(written, "id_token", token.IdToken, Jwt.Expiry(token.IdToken) ?? token.ExpiresAt, type: null, style);
    }

    private static Secret? TokenOf(JsonMembers members, string part) => Secret.From(members.Inner(part)?.Text("token"));

    private DateTimeOffset? ExpiryOf(JsonMembers members, string part) =>
        DateTime.TryParse(members.Inner(part)?.Text("expires_at"), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local)
            ? ToUniversal(local)
            : null;

    private JsonMembers With(JsonMembers members, string part, Secret? token, DateTimeOffset? expiry, string? type, JsonStyle style)
    {
        if (token is null)
        {
            return members.Without(part);
        }
        var local = expiry is { } at ? TimeZoneInfo.ConvertTime(at, zone) : (DateTimeOffset?)null;
        var inner = (members.Inner(part) ?? JsonMembers.Empty)
            .With("token", token.Reveal())
            .With("expires_at", local?.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture));
        return members.With(part, type is null || inner.Has("type") ? inner : inner.With("type", type), style);
    }

    /// <summary>An ambiguous or invalid time at a clock change means the earlier time, because an early renewal does no harm.</summary>
    private DateTimeOffset ToUniversal(DateTime local)
    {
        if (local.Kind != DateTimeKind.Unspecified)
        {
            return new DateTimeOffset(local.ToUniversalTime());
        }
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max()
            : zone.IsInvalidTime(local) ? zone.GetUtcOffset(local.AddHours(3))
            : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }
}
