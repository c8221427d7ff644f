using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Tokens;

/// <summary>How a user logs in to an account. A closed set.</summary>
public abstract record LoginMethod
{
    private LoginMethod() { }

    /// <summary>The browser goes to the provider and returns with a code.</summary>
    public sealed record Redirect(AuthorizationCodeGrant Grant) : LoginMethod;

    /// <summary>The user enters a code at the provider, on any device.</summary>
    public sealed record Device(DeviceCodeGrant Grant) : LoginMethod;

    /// <summary>The user pastes a token that the provider shows.</summary>
    public sealed record Paste : LoginMethod;

    /// <summary>No user is needed: the account logs in with its configuration.</summary>
    /// <param name="Explanation">How it logs in, as a sentence, if a pasted token is of no use to it; otherwise null.</param>
    public sealed record Unattended(string? Explanation = null) : LoginMethod;
}

/// <summary>A login by redirect in progress, with everything that the callback is compared with. For one use.</summary>
/// <param name="Address">Where the browser is sent.</param>
/// <param name="Verifier">The code verifier of RFC 7636; null when the provider does not support it.</param>
/// <param name="Issuer">The <c>iss</c> of the callback (RFC 9207); null to accept any, because there is nothing to compare it with.</param>
/// <param name="IsIssuerRequired">Whether a callback without <c>iss</c> is wrong.</param>
public sealed record AuthorizationRequest(
    Uri Address, Secret State, Secret? Verifier, Uri RedirectUri, string? Issuer = null, bool IsIssuerRequired = false);

/// <summary>The query of the callback (RFC 6749, section 4.1.2; RFC 9207).</summary>
public sealed record AuthorizationResponse(string? Code, Secret? State, string? Issuer, string? Error, string? Description)
{
    /// <summary>Reads a query, with or without its question mark. A repeated parameter is ignored.</summary>
    public static AuthorizationResponse Parse(string query)
    {
        var parameters = query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => p.Split('=', 2))
            .Where(p => p.Length == 2)
            .ToLookup(p => Decode(p[0]), p => Decode(p[1]));
        string? One(string name) => parameters[name].ToList() is [{ Length: > 0 } only] ? only : null;
        return new(One("code"), Secret.From(One("state")), One("iss"), One("error"), One("error_description"));
    }

    /// <summary>In application/x-www-form-urlencoded, a plus is a space.</summary>
    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}

/// <summary>The authorization-code grant (RFC 6749, section 4.1) with PKCE (RFC 7636). Immutable.</summary>
/// <param name="redirectUri">The redirect URI that is registered for this client, if it is not the exporter's own callback.</param>
/// <param name="issuer">The required <c>iss</c> of a callback (RFC 9207); null for the issuer of <see cref="Metadata"/>, or any without it.</param>
public sealed class AuthorizationCodeGrant(
    TokenEndpoint endpoint,
    EndpointAddress authorizationEndpoint,
    IReadOnlyList<string> scopes,
    bool pkce = true,
    Uri? redirectUri = null,
    string? issuer = null)
{
    public Uri? RedirectUri => redirectUri;

    public string? Issuer => issuer;

    public IReadOnlyList<string> Scopes => scopes;

    /// <summary>Separates the scopes; a space by RFC 6749, section 3.3.</summary>
    public string ScopeSeparator { get; init; } = " ";

    /// <summary>Further parameters of the authorization request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraParameters { get; init; } = [];

    /// <summary>The server's metadata, if its endpoints are found there.</summary>
    public ServerMetadata? Metadata { get; init; }

    /// <summary>Starts a login. Returns the failure if the server's metadata is needed and cannot be read.</summary>
    /// <param name="callback">
    /// Where the browser returns to, unless a redirect URI is registered. A redirect URI with port 0 means any port (RFC 8252, section 7.3).
    /// </param>
    public async Task<Result<AuthorizationRequest, Renewal>> BeginAsync(Uri callback, CancellationToken cancellationToken)
    {
        var (address, failure) = await authorizationEndpoint.FindAsync(cancellationToken);
        if (address is null)
        {
            return failure!;
        }
        var (expected, isRequired) = (issuer, issuer is not null);
        if (issuer is null && Metadata is not null)
        {
            (var metadata, failure) = await Metadata.ReadAsync(cancellationToken);
            if (metadata is null)
            {
                return failure!;
            }
            // RFC 9207, section 3: a server that sends the issuer announces it.
            (expected, isRequired) = (metadata.TextOnly("issuer"), metadata.IsTrue("authorization_response_iss_parameter_supported"));
        }
        var (state, verifier) = (Pkce.Random(), pkce ? Pkce.Random() : null);
        var returnTo = redirectUri is null or { Port: 0 } ? callback : redirectUri;
        var query = TokenEndpoint.Parameters(
            ("response_type", "code"),
            ("client_id", (endpoint.Client ?? throw new InvalidOperationException("a login by redirect needs a client id")).Id),
            ("redirect_uri", returnTo.OriginalString),
            ("state", state.Reveal()),
            ("scope", string.Join(ScopeSeparator, scopes)),
            ("code_challenge", verifier is null ? null : Pkce.Challenge(verifier)),
            ("code_challenge_method", verifier is null ? null : "S256"));
        var separator = address.Query.Length > 0 ? '&' : '?';
        var text = string.Join('&', query.Concat(ExtraParameters).Select(q => $"{Uri.EscapeDataString(q.Key)}={Uri.EscapeDataString(q.Value)}"));
        return new AuthorizationRequest(
            new Uri($"{address.OriginalString}{separator}{text}"), state, verifier, returnTo, expected, isRequired);
    }

    /// <summary>Exchanges the code for a token, once: a code is single-use.</summary>
    public async Task<Renewal> ExchangeAsync(string code, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        var form = TokenEndpoint.Parameters(
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", request.RedirectUri.OriginalString),
            ("code_verifier", request.Verifier?.Reveal()));
        var (outcome, error) = await endpoint.RequestWithErrorAsync(form, cancellationToken);
        return error?.Error == "invalid_grant"
            ? new Renewal.InvalidGrant(error.Describe("the provider does not accept the code; start again"))
            : outcome;
    }

    /// <summary>RFC 9207, section 2.4: compare as strings, and require the parameter when the server announces it.</summary>
    public static bool HasWrongIssuer(AuthorizationResponse response, AuthorizationRequest request) =>
        request.Issuer is { } expected && (response.Issuer is null ? request.IsIssuerRequired : response.Issuer != expected);

    /// <summary>The problem with a callback, as a sentence; null when its code may be exchanged.</summary>
    public static string? Validate(AuthorizationResponse response, AuthorizationRequest request) => response switch
    {
        { State: { } state } when !request.State.Equals(state) => "the response belongs to another login; start again",
        { Error: { } error } => (error == "access_denied" ? "the login was rejected on the provider's page"
            : $"the provider rejected the login with {Sanitize.Line(error, 100)}")
            + (response.Description is { } why ? $" ({Sanitize.Line(why)})" : ""),
        _ when HasWrongIssuer(response, request) =>
            $"the issuer of the response is {(response.Issuer is { } sent ? Sanitize.Line(sent) : "missing")}, not the configured one; start again",
        { Code: null } => "the response contains no code; start again",
        _ => null,
    };
}

/// <summary>The verifier and the challenge of RFC 7636, and random text for states.</summary>
public static class Pkce
{
    /// <summary>43 unreserved characters, 256 bits.</summary>
    public static Secret Random() => new(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)));

    /// <summary>S256 (section 4.2): BASE64URL-ENCODE(SHA256(ASCII(code_verifier))), without padding.</summary>
    public static string Challenge(Secret verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier.Reveal())));
}
