using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>The outcome of a token request: the members of a successful response (RFC 6749, section 5.1), or the failure.</summary>
/// <param name="Error">What the failure was classified from; null without a response.</param>
public sealed record TokenResponse(JsonMembers? Members, Renewal? Failure, TokenError? Error, TimeSpan? ClockOffset)
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token"];

    /// <summary>A longer lifetime would exceed the range of a date.</summary>
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(3650);

    /// <summary>
    /// The token in a successful response; null without an access token and a refresh token. An access token that is not text is missing in it,
    /// because the refresh token may be the only valid one.
    /// </summary>
    public static Token? ReadToken(JsonMembers members, DateTimeOffset now)
    {
        var (access, refresh) = (Secret.From(members.TextOnly("access_token")), Secret.From(members.Text("refresh_token")));
        if (access is null && refresh is null)
        {
            return null;
        }
        var lifetime = Seconds(members, "expires_in");
        return new Token
        {
            AccessToken = access,
            RefreshToken = refresh,
            IdToken = Secret.From(members.Text("id_token")),
            Lifetime = lifetime,
            ExpiresAt = now + lifetime,
            RefreshExpiresAt = now + (Seconds(members, "refresh_token_expires_in") ?? Seconds(members, "refresh_expires_in")),
            Members = members.Without(Known),
        };
    }

    /// <summary>The object at a path of members, with dots between them; null if there is none.</summary>
    internal static JsonMembers? Inner(JsonMembers members, string? path)
    {
        try
        {
            return path is null ? members : path.Split('.').Aggregate((JsonMembers?)members, (outer, name) => outer?.Inner(name));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Seconds as a number or as text. Null when it is missing, not a number, or not positive: some servers return 0 for unknown.</summary>
    private static TimeSpan? Seconds(JsonMembers members, string name) =>
        members.Number(name) is > 0 and var seconds ? TimeSpan.FromSeconds(Math.Min(seconds, LongestLifetime.TotalSeconds)) : null;
}
