using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Tokens;

/// <summary>How a person can log in to an account. A closed set.</summary>
public abstract record LoginMethod
{
    private LoginMethod() { }

    /// <summary>A browser is sent to the cloud and comes back with a code.</summary>
    public sealed record Redirect(AuthorizationCodeGrant Grant) : LoginMethod;

    /// <summary>The person types a code at the cloud, on any device.</summary>
    public sealed record Device(DeviceCodeGrant Grant) : LoginMethod;

    /// <summary>Nobody can or need: the account logs in by itself from its configuration.</summary>
    public sealed record Unattended : LoginMethod;
}

/// <summary>A login that was begun by redirect: everything the callback has to be compared with. For one use.</summary>
/// <param name="Address">Where the browser is sent.</param>
/// <param name="Verifier">RFC 7636's code verifier; null where the cloud takes none.</param>
public sealed record AuthorizationRequest(Uri Address, Secret State, Secret? Verifier, Uri RedirectUri);

/// <summary>The authorization-code grant (RFC 6749, section 4.1) with PKCE (RFC 7636). Immutable.</summary>
/// <param name="redirectUri">The redirect URI that is registered for this client, where it is not the exporter's own callback.</param>
/// <param name="issuer">What <c>iss</c> in a callback has to be equal to (RFC 9207); null where the cloud sends none.</param>
public sealed class AuthorizationCodeGrant(
    TokenEndpoint endpoint, Uri authorizationEndpoint, IReadOnlyList<string> scopes, bool pkce = true, Uri? redirectUri = null, string? issuer = null)
{
    public Uri? RedirectUri => redirectUri;

    public string? Issuer => issuer;

    public AuthorizationRequest Begin(Uri callback)
    {
        var (state, verifier) = (Pkce.Random(), pkce ? Pkce.Random() : null);
        var returnTo = redirectUri ?? callback;
        List<(string Name, string Value)> query =
        [
            ("response_type", "code"),
            ("client_id", endpoint.Client.Id),
            ("redirect_uri", returnTo.OriginalString),
            ("state", state.Reveal()),
        ];
        if (scopes.Count > 0)
        {
            query.Add(("scope", string.Join(' ', scopes)));
        }
        if (verifier is not null)
        {
            query.AddRange([("code_challenge", Pkce.Challenge(verifier)), ("code_challenge_method", "S256")]);
        }
        var separator = authorizationEndpoint.Query.Length > 0 ? '&' : '?';
        var address = $"{authorizationEndpoint.OriginalString}{separator}{string.Join('&', query.Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value)}"))}";
        return new AuthorizationRequest(new Uri(address), state, verifier, returnTo);
    }

    /// <summary>Trades the code for a token, once; a code is single-use.</summary>
    public Task<Renewal> ExchangeAsync(string code, AuthorizationRequest begun, CancellationToken cancellation)
    {
        List<KeyValuePair<string, string>> form =
        [
            new("grant_type", "authorization_code"),
            new("code", code),
            new("redirect_uri", begun.RedirectUri.OriginalString),
        ];
        if (begun.Verifier is { } verifier)
        {
            form.Add(new("code_verifier", verifier.Reveal()));
        }
        return endpoint.RequestAsync(form, cancellation);
    }
}

/// <summary>RFC 7636's verifier and challenge, and random text for states.</summary>
public static class Pkce
{
    /// <summary>43 unreserved characters, 256 bits.</summary>
    public static Secret Random() => new(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)));

    /// <summary>S256 (section 4.2): BASE64URL-ENCODE(SHA256(ASCII(code_verifier))), without padding.</summary>
    public static string Challenge(Secret verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier.Reveal())));
}
