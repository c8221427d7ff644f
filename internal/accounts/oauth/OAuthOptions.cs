using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>How an account gets its token.</summary>
public enum OAuthGrant
{
    /// <summary>A user logs in by redirect (RFC 6749, section 4.1).</summary>
    AuthorizationCode,

    /// <summary>A user logs in by device code (RFC 8628).</summary>
    DeviceCode,

    /// <summary>A token file has a refresh token (RFC 6749, section 6).</summary>
    RefreshToken,

    /// <summary>The client logs in for itself (RFC 6749, section 4.4).</summary>
    ClientCredentials,

    /// <summary>The exporter sends a user's password (RFC 6749, section 4.3).</summary>
    Password,
}

/// <summary>The values of <see cref="OAuthSettings"/>. Immutable.</summary>
/// <param name="Issuer">Also the issuer that callbacks are compared with.</param>
/// <param name="Token">Null if the server's metadata has it, like every endpoint that is needed and null.</param>
public sealed record OAuthOptions(
    OAuthClient Client, OAuthGrant Grant, string? Issuer, Uri? Token, Uri? Authorization, Uri? Device, Uri? Revocation)
{
    /// <summary>The parameters of the protocol itself.</summary>
    private static readonly string[] OwnParameters =
    [
        "grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri", "state", "refresh_token", "response_type", "scope",
        "code_challenge", "code_challenge_method", "username", "password", "device_code",
    ];

    public IReadOnlyList<string> Scopes { get; init; } = [];

    public string ScopeSeparator { get; init; } = " ";

    public bool Pkce { get; init; } = true;

    public Uri? RedirectUri { get; init; }

    /// <summary>For the grant password; otherwise null.</summary>
    public PasswordCredentials? Credentials { get; init; }

    public TextMap AuthorizeParameters { get; init; } = TextMap.Empty;

    public TextMap TokenParameters { get; init; } = TextMap.Empty;

    public string? TokenAt { get; init; }

    /// <summary>Whether a token response with a success status is an error.</summary>
    public Func<JsonElement, bool>? IsTokenError { get; init; }

    /// <summary>Whether an endpoint comes from the server's metadata.</summary>
    public bool NeedsMetadata => Token is null || (Grant == OAuthGrant.AuthorizationCode && Authorization is null)
        || (Grant == OAuthGrant.DeviceCode && Device is null);

    /// <summary>Reads the settings. Each mistake is a problem of the section.</summary>
    public static OAuthOptions Read(Section section)
    {
        var client = ReadClient(section);
        var issuer = section.Find(OAuthSettings.Issuer);
        var token = issuer is null ? section.Require(OAuthSettings.Token) : section.Find(OAuthSettings.Token);
        var (authorization, device) = (section.Find(OAuthSettings.Authorization), section.Find(OAuthSettings.Device));
        var options = new OAuthOptions(
            client, ReadGrant(section, client, issuer, token), issuer, token, authorization, device, section.Find(OAuthSettings.Revocation))
        {
            Scopes = section.Find(OAuthSettings.Scopes) ?? [],
            ScopeSeparator = section.Find(OAuthSettings.ScopeSeparator) ?? " ",
            Pkce = section.Get(OAuthSettings.Pkce),
            RedirectUri = section.Find(OAuthSettings.RedirectUri),
            AuthorizeParameters = ReadParameters(section, OAuthSettings.AuthorizeParameters),
            TokenParameters = ReadParameters(section, OAuthSettings.TokenParameters),
            TokenAt = section.Find(OAuthSettings.TokenAt),
            IsTokenError = section.Find(OAuthSettings.TokenError) is { } formula ? response => IsTrue(formula, response) : null,
        };
        if (options.NeedsMetadata && issuer is not null && !CanBeDiscovered(issuer))
        {
            section.Problem(OAuthSettings.Issuer,
                "is not a URL where the server's metadata can be; write https:// and the host, without ? and #, or set the endpoints");
        }
        if (options.ScopeSeparator is not [var separator] || char.IsLetterOrDigit(separator))
        {
            section.Problem(OAuthSettings.ScopeSeparator, "must be one character that is no letter and no digit, for example \",\"");
        }
        if (options.TokenAt?.Split('.').Any(string.IsNullOrWhiteSpace) == true)
        {
            section.Problem(OAuthSettings.TokenAt, "has an empty name; write the members' names with one dot between them, for example body.token");
        }
        return options with { Credentials = ReadCredentials(section, options.Grant) };
    }

    /// <summary>A response that is too large for the formula is no token either.</summary>
    private static bool IsTrue(Formula formula, JsonElement response)
    {
        try
        {
            return formula.IsTrue(FormulaScope.Of(response, new FormulaSteps(100_000)));
        }
        catch (FormulaLimitException)
        {
            return true;
        }
    }

    private static OAuthClient ReadClient(Section section)
    {
        var (id, secret) = (section.Require(OAuthSettings.ClientId), section.Find(OAuthSettings.ClientSecret));
        var authentication = section.Find(OAuthSettings.Authentication) ?? (secret is null ? ClientAuthentication.None : ClientAuthentication.Post);
        if (authentication == ClientAuthentication.None && secret is not null)
        {
            section.Problem(OAuthSettings.Authentication, "is none, but there is a client secret; choose post or basic, or remove the secret");
        }
        if (authentication != ClientAuthentication.None && secret is null)
        {
            section.Problem(OAuthSettings.Authentication, "needs a client secret; set client_secret, or choose none for a public client");
        }
        return new OAuthClient(id ?? "", secret, authentication);
    }

    private static OAuthGrant ReadGrant(Section section, OAuthClient client, string? issuer, Uri? token)
    {
        var (authorization, device) = (section.Find(OAuthSettings.Authorization), section.Find(OAuthSettings.Device));
        if (section.Find(OAuthSettings.Grant) is not { } grant)
        {
            if (authorization is not null && device is not null)
            {
                section.Problem(OAuthSettings.Device,
                    "is set together with authorization_endpoint; an account has one way to log in, so remove one of the two, or set grant");
            }
            return authorization is not null ? OAuthGrant.AuthorizationCode
                : device is not null ? OAuthGrant.DeviceCode
                // Without endpoints, the metadata has them, and a redirect is the usual login.
                : token is null && issuer is not null ? OAuthGrant.AuthorizationCode
                : OAuthGrant.RefreshToken;
        }
        var missing = grant switch
        {
            OAuthGrant.AuthorizationCode when authorization is null => OAuthSettings.Authorization,
            OAuthGrant.DeviceCode when device is null => OAuthSettings.Device,
            _ => null,
        };
        if (missing is not null && issuer is null)
        {
            section.Problem(OAuthSettings.Grant, $"needs {missing.Key}; set it, or set issuer so that the exporter finds it");
        }
        // RFC 6749, section 4.4: this grant "MUST only be used by confidential clients".
        if (grant == OAuthGrant.ClientCredentials && client.Secret is null)
        {
            section.Problem(OAuthSettings.Grant, "is client_credentials, which needs a client secret; set client_secret");
        }
        return grant;
    }

    private static PasswordCredentials? ReadCredentials(Section section, OAuthGrant grant)
    {
        if (grant == OAuthGrant.Password)
        {
            section.Warn(OAuthSettings.Grant,
                "the exporter sends the user's password, and OAuth 2.1 removes this grant; use another grant if the server has one");
            return new PasswordCredentials(
                section.Require(OAuthSettings.Username) ?? "", section.Require(OAuthSettings.Password) ?? new Secret(""));
        }
        foreach (var unused in new Setting[] { OAuthSettings.Username, OAuthSettings.Password, OAuthSettings.Password.FromFile! })
        {
            if (section.Place(unused) is not null)
            {
                section.Problem(unused, "is only for grant: password; set that grant, or remove this");
            }
        }
        return null;
    }

    private static TextMap ReadParameters(Section section, Setting<TextMap> setting)
    {
        var parameters = section.Find(setting) ?? TextMap.Empty;
        foreach (var (name, _) in parameters.Entries.Where(entry => OwnParameters.Contains(entry.Key, StringComparer.OrdinalIgnoreCase)))
        {
            section.Problem(setting, name, "this parameter is one of OAuth itself and has a setting of its own, or none; remove it");
        }
        return parameters;
    }

    /// <summary>RFC 8414, section 2: an issuer has no query and no fragment.</summary>
    private static bool CanBeDiscovered(string issuer) => Uri.TryCreate(issuer, UriKind.Absolute, out var address)
        && address is { Scheme: "http" or "https", Host.Length: > 0, UserInfo: "" } && !issuer.AsSpan().ContainsAny('?', '#');
}
