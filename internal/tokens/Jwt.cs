using System.Buffers.Text;
using System.Text.Json;

namespace Exporter.Tokens;

/// <summary>Reads what a JSON Web Token (RFC 7519) says of itself. Nothing is verified: the token came from its issuer over TLS, and only times are taken from it.</summary>
public static class Jwt
{
    /// <summary>The claims; null when the text is no JWT.</summary>
    public static JsonMembers? Claims(Secret? token)
    {
        if (token?.Reveal().Split('.') is not [_, var payload, _] || !Base64Url.IsValid(payload))
        {
            return null;
        }
        try
        {
            return JsonMembers.Parse(Base64Url.DecodeFromChars(payload));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>When the token ends by its <c>exp</c> claim; null when it does not say.</summary>
    public static DateTimeOffset? Expiry(Secret? token) =>
        Claims(token)?.Number("exp") is > 0 and < 1e11 and var seconds ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : null;
}
