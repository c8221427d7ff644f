using System.Buffers.Text;

namespace Exporter.Tokens;

/// <summary>Reads the claims of a JSON Web Token (RFC 7519). Does not verify it: it came from its issuer over TLS, and only times are used.</summary>
public static class Jwt
{
    /// <summary>The claims; null when the text is not a JWT.</summary>
    public static JsonMembers? Claims(Secret? token) =>
        token?.Reveal().Split('.') is [_, var payload, _] && Base64Url.IsValid(payload)
            ? JsonMembers.TryParse(Base64Url.DecodeFromChars(payload))
            : null;

    /// <summary>The <c>exp</c> claim; null when there is none.</summary>
    public static DateTimeOffset? Expiry(Secret? token) => Claims(token)?.UnixTime("exp");
}
