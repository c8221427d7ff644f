using System.Globalization;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>Recognises one shape of token file, reads it and writes it back in kind. Stateless.</summary>
public interface ITokenFormat
{
    /// <summary>What the shape is called in messages: "plain".</summary>
    string Name { get; }

    /// <summary>
    /// Whether the file is for other things as well. One without a token is then as good as none; it is never set aside or
    /// deleted, whatever is wrong with it; and what else changes in it is no change of the token.
    /// </summary>
    bool IsShared => false;

    /// <summary>Whether the content is of this shape; it may still be damaged.</summary>
    bool Recognises(ReadOnlySpan<byte> content);

    /// <exception cref="FormatException">It is damaged; the message says how.</exception>
    Token Read(ReadOnlySpan<byte> content);

    /// <summary>The file for this token. What <paramref name="previous"/> holds besides (members, lines, layout) is kept; empty for a new file.</summary>
    byte[] Write(Token token, ReadOnlySpan<byte> previous);
}

/// <summary>A token file of flat JSON: how the known members are named is the shape's, the rest is common.</summary>
public abstract class JsonTokenFormat : ITokenFormat
{
    public abstract string Name { get; }

    public virtual bool IsShared => false;

    public bool Recognises(ReadOnlySpan<byte> content)
    {
        try
        {
            return Recognises(JsonMembers.Parse(content));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public Token Read(ReadOnlySpan<byte> content)
    {
        try
        {
            return Read(JsonMembers.Parse(content));
        }
        catch (JsonException e)
        {
            throw new FormatException(content.IsEmpty ? "it is empty" : content.IndexOfAnyExcept((byte)0) < 0 ? "it holds nothing but zero bytes" : $"it is not JSON ({Where(e)})");
        }
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        var before = JsonMembers.Empty;
        try
        {
            before = previous.IsEmpty ? before : JsonMembers.Parse(previous);
        }
        catch (JsonException)
        {
            // A damaged file has been set aside; the token is written as if to a new one.
        }
        var style = previous.IsEmpty ? NewFile : JsonStyle.Of(previous);
        return Write(token, before.Merge(token.Members), style).ToBytes(style);
    }

    /// <summary>The layout of a file that was not there before.</summary>
    protected virtual JsonStyle NewFile => JsonStyle.Compact;

    protected abstract bool Recognises(JsonMembers members);

    protected abstract Token Read(JsonMembers members);

    /// <param name="members">What the file held and the token brings along; the shape's own members are put into it.</param>
    protected abstract JsonMembers Write(Token token, JsonMembers members, JsonStyle style);

    private static string Where(JsonException e) =>
        e.LineNumber is { } line ? $"line {line + 1}, byte {e.BytePositionInLine + 1}" : Sanitize.Line(e.Message);
}

/// <summary>
/// <c>{"access_token","refresh_token","expiry"}</c> with an RFC 3339 time: what Go's oauth2 package writes, and with it
/// netatmo-exporter. It is also the shape of a file that holds nothing but a refresh token.
/// </summary>
public sealed class PlainTokenFormat : JsonTokenFormat
{
    private static readonly string[] Known = ["access_token", "refresh_token", "id_token", "expiry", "refresh_expiry"];

    public override string Name => "plain";

    protected override bool Recognises(JsonMembers members) => members.Has("access_token") || members.Has("refresh_token");

    protected override Token Read(JsonMembers members) => new()
    {
        AccessToken = Secret.From(members.Text("access_token")),
        RefreshToken = Secret.From(members.Text("refresh_token")),
        IdToken = Secret.From(members.Text("id_token")),
        ExpiresAt = Time(members, "expiry"),
        RefreshExpiresAt = Time(members, "refresh_expiry"),
        Lifetime = members.Number("expires_in") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
        Members = members.Without(Known),
    };

    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style) => members
        .With("access_token", token.AccessToken?.Reveal())
        .With("refresh_token", token.RefreshToken?.Reveal())
        .With("id_token", token.IdToken?.Reveal())
        .With("expiry", token.ExpiresAt is { } expiry ? Rfc3339(expiry) : null)
        .With("refresh_expiry", token.RefreshExpiresAt is { } refreshExpiry ? Rfc3339(refreshExpiry) : null);

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    /// <summary>A time; null when it is missing, unreadable or Go's zero time, which that package writes for "none".</summary>
    private static DateTimeOffset? Time(JsonMembers members, string name) =>
        DateTimeOffset.TryParse(members.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time.UtcDateTime.Year > 1 ? time.ToUniversalTime() : null;
}
