using Exporter.Tokens;

namespace Exporter.Ergani;

/// <summary>
/// What the OxygenSuite token manager keeps: <c>{"token":{"accessToken","accessTokenExpiresAt","refreshToken","refreshTokenExpiresAt"}}</c>
/// with Unix seconds. Its documentation leaves the outer member out, so a file may as well.
/// </summary>
public sealed class ErganiTokenFormat : JsonTokenFormat
{
    private const string Outer = "token";
    private const string Access = "accessToken";
    private const string AccessExpiry = "accessTokenExpiresAt";
    private const string Refresh = "refreshToken";
    private const string RefreshExpiry = "refreshTokenExpiresAt";

    private static readonly string[] Known = [Outer, Access, AccessExpiry, Refresh, RefreshExpiry];

    public override string Name => "Ergani";

    protected override bool Recognises(JsonMembers members) => Held(members) is { } held && (held.Has(Access) || held.Has(Refresh));

    protected override Token Read(JsonMembers members)
    {
        var held = Held(members) ?? JsonMembers.Empty;
        var access = Secret.From(held.Text(Access));
        return new Token
        {
            AccessToken = access,
            RefreshToken = Secret.From(held.Text(Refresh)),
            ExpiresAt = Time(held, AccessExpiry) ?? Jwt.Expiry(access),
            RefreshExpiresAt = Time(held, RefreshExpiry),
            Members = members.Without(Known),
        };
    }

    /// <summary>Foreign members stay where they are, outside or inside; a new file has the outer member.</summary>
    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style) => Held(members) is { } held && !members.Has(Outer)
        ? With(held, token)
        : members.With(Outer, With(members.Inner(Outer) ?? JsonMembers.Empty, token), style);

    private static JsonMembers? Held(JsonMembers members) => members.Has(Outer) ? members.Inner(Outer) : members.Has(Access) || members.Has(Refresh) ? members : null;

    private static JsonMembers With(JsonMembers held, Token token) => Timed(
        Timed(held.With(Access, token.AccessToken?.Reveal()), AccessExpiry, token.ExpiresAt).With(Refresh, token.RefreshToken?.Reveal()),
        RefreshExpiry,
        token.RefreshExpiresAt);

    private static JsonMembers Timed(JsonMembers members, string name, DateTimeOffset? time) =>
        time is { } known ? members.With(name, known.ToUnixTimeSeconds()) : members.Without(name);

    private static DateTimeOffset? Time(JsonMembers members, string name) =>
        members.Number(name) is > 0 and < 1e11 and var seconds ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : null;
}
