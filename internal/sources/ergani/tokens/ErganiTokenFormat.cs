namespace Exporter.Ergani;

/// <summary>
/// The OxygenSuite token manager's format: <c>{"token":{"accessToken","accessTokenExpiresAt","refreshToken","refreshTokenExpiresAt"}}</c>,
/// with Unix seconds. That program's documentation omits the outer member, so a file without it is valid too.
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

    protected override bool Recognises(JsonMembers members) => Find(members) is { } inner && (inner.Has(Access) || inner.Has(Refresh));

    protected override Token Read(JsonMembers members)
    {
        var inner = Find(members) ?? JsonMembers.Empty;
        var access = Secret.From(inner.Text(Access));
        return new Token
        {
            AccessToken = access,
            RefreshToken = Secret.From(inner.Text(Refresh)),
            ExpiresAt = inner.Time(AccessExpiry) ?? Jwt.Expiry(access),
            ExpiryProblem = inner.TimeProblem(AccessExpiry),
            RefreshExpiresAt = inner.Time(RefreshExpiry),
            Members = members.Without(Known),
        };
    }

    /// <summary>Unknown members stay, outside and inside. A new file has the outer member.</summary>
    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style) => Find(members) is { } inner && !members.Has(Outer)
        ? With(inner, token)
        : members.With(Outer, With(members.Inner(Outer) ?? JsonMembers.Empty, token), style);

    private static JsonMembers? Find(JsonMembers members) =>
        members.Has(Outer) ? members.Inner(Outer) : members.Has(Access) || members.Has(Refresh) ? members : null;

    private static JsonMembers With(JsonMembers inner, Token token) => inner
        .With(Access, token.AccessToken?.Reveal()).WithUnixTime(AccessExpiry, token.ExpiresAt)
        .With(Refresh, token.RefreshToken?.Reveal()).WithUnixTime(RefreshExpiry, token.RefreshExpiresAt);
}
