using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// When a pair of tokens ends, beside them in files that never had a place for it. Another program that replaces the pair
/// leaves this behind, so it names the pair it is of, by the beginning of a hash.
/// </summary>
internal sealed record Ends(DateTimeOffset? Access, DateTimeOffset? Refresh, string Of)
{
    private const string Unknown = "-";

    public static Ends None { get; } = new(null, null, "");

    /// <summary>Null where no end is known.</summary>
    public static Ends? From(Token token) => token.ExpiresAt is null && token.RefreshExpiresAt is null ? null : new(token.ExpiresAt, token.RefreshExpiresAt, Print(token));

    /// <summary>These ends, if they are the token's.</summary>
    public Token Put(Token token) => Of == Print(token) ? token with { ExpiresAt = Access, RefreshExpiresAt = Refresh } : token;

    /// <summary><c>2026-12-05T07:00:00Z 2027-02-19T07:00:00Z 3f2a9c1b</c>, of the access token, of the refresh token, and whose.</summary>
    public static Ends Parse(string? text) => text?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var access, var refresh, var of] ? new(Time(access), Time(refresh), of) : None;

    public override string ToString() => $"{Text(Access) ?? Unknown} {Text(Refresh) ?? Unknown} {Of}";

    public static string? Text(DateTimeOffset? end) => end?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end.ToUniversalTime() : null;

    private static string Print(Token token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{token.AccessToken?.Reveal()}\n{token.RefreshToken?.Reveal()}")))[..8];
}
