namespace Exporter.Accounts;

/// <summary>
/// The settings of an account at any OAuth 2 server. They have the names of the server's metadata (RFC 8414), and no flags, because there is
/// no typical server.
/// </summary>
public static class OAuthSettings
{
    internal static readonly Setting<string> ClientId = Settings.Text("client_id", "Client ID that is registered at the server.");
    internal static readonly Setting<Secret> ClientSecret = Settings.Secret("client_secret", "Client secret; a public client has none.");
    internal static readonly Setting<OAuthGrant> Grant = Settings.Choice(
        "grant", "How the account gets its token: authorization_code, device_code, refresh_token, client_credentials or password. "
            + "The default follows from the endpoints; with issuer alone, it is authorization_code.",
        [
            ("authorization_code", OAuthGrant.AuthorizationCode), ("device_code", OAuthGrant.DeviceCode), ("refresh_token", OAuthGrant.RefreshToken),
            ("client_credentials", OAuthGrant.ClientCredentials), ("password", OAuthGrant.Password),
        ], placeholder: "GRANT");
    internal static readonly Setting<string> Issuer = Settings.Text(
        "issuer", "Issuer of the server. Callbacks must have it. Without token_endpoint, the exporter finds the endpoints in the server's metadata.",
        placeholder: "URL");
    internal static readonly Setting<Uri> Token = Settings.Address("token_endpoint", "Token endpoint of the server.");
    internal static readonly Setting<Uri> Authorization = Settings.Address("authorization_endpoint", "Address where users log in by redirect.");
    internal static readonly Setting<Uri> Device = Settings.Address(
        "device_authorization_endpoint", "Address where a login by device code starts.");
    internal static readonly Setting<Uri> Revocation = Settings.Address(
        "revocation_endpoint", "Address where a logout revokes the token at the server.");
    internal static readonly Setting<ClientAuthentication> Authentication = Settings.Choice(
        "authentication", "Client authentication: in the form, by HTTP Basic, or none. The default is post with a secret, otherwise none.",
        [("post", ClientAuthentication.Post), ("basic", ClientAuthentication.Basic), ("none", ClientAuthentication.None)]);
    internal static readonly Setting<IReadOnlyList<string>> Scopes = Settings.List("scopes", "Scopes to request.");
    internal static readonly Setting<string> ScopeSeparator = Settings.Text(
        "scope_separator", "Character between the scopes in a request, for a server that does not use a space.", placeholder: "CHARACTER");
    internal static readonly Setting<bool> Pkce = Settings.Switch(
        "pkce", "Protect logins with PKCE; switch it off only for a server that rejects it.", @default: "true");
    internal static readonly Setting<Uri> RedirectUri = Settings.Address(
        "redirect_uri", "Redirect URI that is registered for the client; by default the exporter's own /auth/callback. "
            + "Port 0 on a loopback address means any free port.");
    public static readonly Setting<string> Username = Settings.Text("username", "User name for the grant password.");
    public static readonly Setting<Secret> Password = Settings.Secret("password", "Password for the grant password.", mayEndWithBlanks: true);
    internal static readonly Setting<TextMap> AuthorizeParameters = Settings.Map(
        "authorize_parameters", "Further parameters of the request that starts a login, as a map.");
    internal static readonly Setting<TextMap> TokenParameters = Settings.Map(
        "token_parameters", "Further parameters of token requests, as a map: for example audience or resource.");
    internal static readonly Setting<string> TokenAt = Settings.Text(
        "token_at", "Member of the token response that contains the token, with dots for nested members.", placeholder: "MEMBER");

    internal static readonly Setting<Formula> TokenError = Settings.Of(
        "token_error", "Formula that is true for a token response that is an error although its status is 200; @ is the response.",
        ReadFormula, "FORMULA");

    public static IReadOnlyList<Setting> All { get; } =
    [
        ClientId, ClientSecret, Grant, Issuer, Token, Authorization, Device, Revocation, Authentication, Scopes, ScopeSeparator, Pkce, RedirectUri,
        Username, Password, AuthorizeParameters, TokenParameters, TokenAt, TokenError,
    ];

    private static Result<Formula, string> ReadFormula(string text) => Formula.Parse(text, []) switch
    {
        { Failure: { } mistake } => $"character {mistake.Position + 1} of the formula: {mistake.Sentence}",
        { Value: var formula } => formula!,
    };
}
