namespace Exporter.OAuth2;

/// <summary>
/// The settings of an account at any OAuth 2 server. They have the names of the server's metadata (RFC 8414), and no flags, because there is
/// no typical server.
/// </summary>
internal sealed record OAuth2Options(
    OAuthClient Client, Uri Token, Uri? Authorization, Uri? Device, Uri? Revocation, IReadOnlyList<string> Scopes, bool Pkce, string? Issuer,
    Uri? RedirectUri)
{
    private static readonly Setting<string> ClientIdSetting = Settings.Text("client_id", "Client ID that is registered at the server.");
    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret("client_secret", "Client secret; a public client has none.");
    private static readonly Setting<Uri> TokenSetting = Settings.Address("token_endpoint", "Token endpoint of the server.");
    private static readonly Setting<Uri> AuthorizationSetting =
        Settings.Address("authorization_endpoint", "Address where users log in by redirect.");
    private static readonly Setting<Uri> DeviceSetting =
        Settings.Address("device_authorization_endpoint", "Address where a login by device code starts.");
    private static readonly Setting<Uri> RevocationSetting =
        Settings.Address("revocation_endpoint", "Address where a logout revokes the token at the server.");
    private static readonly Setting<ClientAuthentication> AuthenticationSetting = Settings.Choice(
        "authentication", "Client authentication: in the form, by HTTP Basic, or none. The default is post with a secret, otherwise none.",
        [("post", ClientAuthentication.Post), ("basic", ClientAuthentication.Basic), ("none", ClientAuthentication.None)]);
    private static readonly Setting<IReadOnlyList<string>> ScopesSetting = Settings.List("scopes", "Scopes to request when you log in.");
    private static readonly Setting<bool> PkceSetting = Settings.Switch(
        "pkce", "Protect logins with PKCE; switch it off only for a server that rejects it.", @default: "true");
    private static readonly Setting<string> IssuerSetting = Settings.Text(
        "issuer", "If set, the server must send this issuer in its callbacks.", placeholder: "URL");
    private static readonly Setting<Uri> RedirectUriSetting = Settings.Address(
        "redirect_uri", "Redirect URI that is registered for the client; by default the exporter's own /auth/callback. "
            + "Port 0 on a loopback address means any free port.");

    public static SourceSettings All { get; } = new("oauth2",
    [
        ClientIdSetting, ClientSecretSetting, TokenSetting, AuthorizationSetting, DeviceSetting, RevocationSetting,
        AuthenticationSetting, ScopesSetting, PkceSetting, IssuerSetting, RedirectUriSetting,
    ]);

    public static OAuth2Options Read(Section section)
    {
        var (id, secret) = (section.Require(ClientIdSetting), section.Find(ClientSecretSetting));
        var authentication = section.Find(AuthenticationSetting) ?? (secret is null ? ClientAuthentication.None : ClientAuthentication.Post);
        var (authorization, device) = (section.Find(AuthorizationSetting), section.Find(DeviceSetting));
        if (authentication == ClientAuthentication.None && secret is not null)
        {
            section.Problem(AuthenticationSetting, "is none, but there is a client secret; choose post or basic, or remove the secret");
        }
        if (authentication != ClientAuthentication.None && secret is null)
        {
            section.Problem(AuthenticationSetting, "needs a client secret; set client_secret, or choose none for a public client");
        }
        if (authorization is not null && device is not null)
        {
            section.Problem(DeviceSetting, "is set together with authorization_endpoint; an account has one way to log in, so remove one of the two");
        }
        return new OAuth2Options(
            new OAuthClient(id ?? "", secret, authentication),
            section.Require(TokenSetting) ?? new Uri("about:blank"),
            authorization,
            device,
            section.Find(RevocationSetting),
            section.Find(ScopesSetting) ?? [],
            section.Get(PkceSetting),
            section.Find(IssuerSetting),
            section.Find(RedirectUriSetting));
    }
}
