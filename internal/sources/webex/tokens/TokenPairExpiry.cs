using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Webex;

/// <summary>
/// The expiry times of an access and a refresh token, for file formats that have no member for them. A program that replaces the tokens
/// leaves this value behind, so it contains the start of a hash of the tokens that it belongs to.
/// </summary>
internal sealed record TokenPairExpiry(DateTimeOffset? Access, DateTimeOffset? Refresh, string Hash)
{
    private const string Unknown = "-";

    /// <summary>Null if neither expiry is known.</summary>
    public static TokenPairExpiry? From(Token token) =>
        token.ExpiresAt is null && token.RefreshExpiresAt is null ? null : new(token.ExpiresAt, token.RefreshExpiresAt, HashOf(token));

    /// <summary>Sets the expiry times if they belong to these tokens.</summary>
    public Token ApplyTo(Token token) => Hash == HashOf(token) ? token with { ExpiresAt = Access, RefreshExpiresAt = Refresh } : token;

    /// <summary>Parses <c>2026-12-05T07:00:00Z 2027-02-19T07:00:00Z 3f2a9c1b</c>: access token, refresh token, hash.</summary>
    public static TokenPairExpiry? Parse(string? text) =>
        text?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var access, var refresh, var hash]
            ? new(ParseTime(access), ParseTime(refresh), hash)
            : null;

    public override string ToString() => $"{Format(Access) ?? Unknown} {Format(Refresh) ?? Unknown} {Hash}";

    public static string? Format(DateTimeOffset? expiry) =>
        expiry?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expiry) ? expiry.ToUniversalTime() : null;

    private static string HashOf(Token token) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes($"{token.AccessToken?.Reveal()}\n{token.RefreshToken?.Reveal()}")))[..8];
}
