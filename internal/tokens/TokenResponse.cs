namespace Exporter.Tokens;

/// <summary>The outcome of a token request: the members of a successful response (RFC 6749, section 5.1), or the failure.</summary>
/// <param name="Error">What the failure was classified from; null without a response.</param>
public sealed record TokenResponse(JsonMembers? Members, Renewal? Failure, TokenError? Error, TimeSpan? ClockOffset)
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token"];

    /// <summary>A longer lifetime would exceed the range of a date.</summary>
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(3650);

    /// <summary>The token in a successful response; null without an access token.</summary>
    public static Token? ReadToken(JsonMembers members, DateTimeOffset now)
    {
        if (members.Text("access_token") is not { } access)
        {
            return null;
        }
        var lifetime = Seconds(members, "expires_in");
        return new Token
        {
            AccessToken = new Secret(access),
            RefreshToken = Secret.From(members.Text("refresh_token")),
            IdToken = Secret.From(members.Text("id_token")),
            Lifetime = lifetime,
            ExpiresAt = now + lifetime,
            RefreshExpiresAt = now + (Seconds(members, "refresh_token_expires_in") ?? Seconds(members, "refresh_expires_in")),
            Members = members.Without(Known),
        };
    }

    /// <summary>Seconds as a number or as text. A negative number counts as zero. Null when it is missing or not a number.</summary>
    private static TimeSpan? Seconds(JsonMembers members, string name) =>
        members.Number(name) is { } seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestLifetime.TotalSeconds)) : null;
}
