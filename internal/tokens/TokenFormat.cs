using System.Globalization;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>Recognizes, reads and writes one format of token file. Stateless.</summary>
public interface ITokenFormat
{
    /// <summary>The name in messages, such as "plain".</summary>
    string Name { get; }

    /// <summary>
    /// Whether other programs use the file too. Such a file may lack a token, and is never set aside or deleted, even if it is damaged. A
    /// change of its other content does not change the token.
    /// </summary>
    bool IsShared => false;

    /// <summary>Whether the content has this format; it may still be damaged.</summary>
    bool Recognises(ReadOnlySpan<byte> content);

    /// <exception cref="FormatException">It is damaged; the message contains the reason.</exception>
    /// <exception cref="IOException">It is not damaged, but cannot be read now; the message contains the fix. The file stays unchanged.</exception>
    Token Read(ReadOnlySpan<byte> content);

    /// <summary>The new content of the file. Other members, other lines and the layout of <paramref name="previous"/> stay.</summary>
    /// <param name="previous">The old content; empty for a new file.</param>
    byte[] Write(Token token, ReadOnlySpan<byte> previous);
}

/// <summary>A token file in flat JSON. A derived class defines the names of the known members.</summary>
public abstract class JsonTokenFormat : ITokenFormat
{
    public abstract string Name { get; }

    public virtual bool IsShared => false;

    public bool Recognises(ReadOnlySpan<byte> content) => JsonMembers.TryParse(content) is { } members && Recognises(members);

    public Token Read(ReadOnlySpan<byte> content)
    {
        try
        {
            return Read(JsonMembers.Parse(content));
        }
        catch (JsonException e)
        {
            throw new FormatException(
                content.IsEmpty ? "it is empty"
                : content.IndexOfAnyExcept((byte)0) < 0 ? "it contains only zero bytes"
                : content.Contains((byte)0) ? "it is not JSON in UTF-8, but perhaps UTF-16; save it as UTF-8"
                : $"it is not JSON ({Where(e)})");
        }
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        // A damaged file was set aside; the token is written to a new file.
        var before = JsonMembers.TryParse(previous) ?? JsonMembers.Empty;
        var style = previous.IsEmpty ? NewFile : JsonStyle.Of(previous);
        return Write(token, before.Merge(token.Members), style).ToBytes(style);
    }

    /// <summary>The layout of a new file.</summary>
    protected virtual JsonStyle NewFile => JsonStyle.Compact;

    protected abstract bool Recognises(JsonMembers members);

    protected abstract Token Read(JsonMembers members);

    /// <param name="members">The members of the old file and of the token; the known members are added to them.</param>
    protected abstract JsonMembers Write(Token token, JsonMembers members, JsonStyle style);

    private static string Where(JsonException e) =>
        e.LineNumber is { } line ? $"line {line + 1}, byte {e.BytePositionInLine + 1}" : Sanitize.Line(e.Message);
}

/// <summary>
/// <c>{"access_token","refresh_token","expiry"}</c> with an RFC 3339 time, as Go's oauth2 package writes it. It is also the format of a
/// file that contains only a refresh token.
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
        ExpiresAt = members.Time("expiry"),
        ExpiryProblem = members.TimeProblem("expiry"),
        RefreshExpiresAt = members.Time("refresh_expiry"),
        Lifetime = members.Number("expires_in") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
        Members = members.Without(Known),
    };

    protected override JsonMembers Write(Token token, JsonMembers members, JsonStyle style) => members
        .With("access_token", token.AccessToken?.Reveal())
        .With("refresh_token", token.RefreshToken?.Reveal())
        .With("id_token", token.IdToken?.Reveal())
        .With("expiry", token.ExpiresAt is { } expiry ? Rfc3339(expiry) : null)
        .With("refresh_expiry", token.RefreshExpiresAt is { } refreshExpiry ? Rfc3339(refreshExpiry) : null);

    private static string Rfc3339(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
