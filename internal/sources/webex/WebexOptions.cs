namespace Exporter.Webex;

/// <summary>The settings of a Webex account. Each overrides the corresponding field of <c>token-config.json</c>.</summary>
/// <param name="TokenFile">The file in the working directory, if none is configured and it exists; otherwise null.</param>
internal sealed record WebexOptions(string? TokenFile, WebexTokensOptions Tokens, WebexDataOptions Data)
{
    internal static readonly Setting<string> TokenFileSetting = Settings.Path(
        "token_file", "The .env file for the service app's token. Its other lines stay as they are.",
        flag: "--webex-token-file", variable: "WEBEX_TOKEN_FILE", @default: WebexDefaults.EnvFileName);
    internal static readonly Setting<string> ConfigFileSetting = Settings.Path(
        "config_file", "The token manager's configuration: the service app, the personal access token and the integration. Renewed tokens go there.",
        flag: "--webex-config-file", variable: "WEBEX_CONFIG_FILE", @default: WebexDefaults.ConfigFileName);
    private static readonly Setting<string> AppIdSetting = Settings.Text(
        "app_id", "Application ID of the service app, instead of the file's serviceApp.appId.",
        flag: "--webex-app-id", variable: "WEBEX_APP_ID");
    private static readonly Setting<string> ClientIdSetting = Settings.Text(
        "client_id", "Client ID of the service app, instead of the file's.", flag: "--webex-client-id", variable: "WEBEX_CLIENT_ID");
    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret(
        "client_secret", "Client secret of the service app, instead of the file's.",
        flag: "--webex-client-secret", variable: "WEBEX_CLIENT_SECRET");
    private static readonly Setting<string> TargetOrgSetting = Settings.Text(
        "target_org_id", "ID of the organization whose admin authorized the service app, instead of the file's.",
        flag: "--webex-target-org-id", variable: "WEBEX_TARGET_ORG_ID");
    private static readonly Setting<string> IntegrationIdSetting = Settings.Text(
        "integration_client_id", "Client ID of the integration to log in to, instead of the file's.",
        flag: "--webex-integration-client-id", variable: "WEBEX_INTEGRATION_CLIENT_ID");
    private static readonly Setting<Secret> IntegrationSecretSetting = Settings.Secret(
        "integration_client_secret", "Client secret of the integration.",
        flag: "--webex-integration-client-secret", variable: "WEBEX_INTEGRATION_CLIENT_SECRET");
    private static readonly Setting<Uri> RedirectUriSetting = Settings.Address(
        "redirect_uri", "Redirect URI that is registered for the integration.",
        flag: "--webex-redirect-uri", variable: "WEBEX_REDIRECT_URI", @default: WebexDefaults.LoopbackRedirect.OriginalString);
    private static readonly Setting<IReadOnlyList<string>> ScopesSetting = Settings.List(
        "scopes", "Scopes to request when you log in to the integration.",
        flag: "--webex-scopes", variable: "WEBEX_SCOPES", @default: WebexDefaults.ApplicationsToken);
    private static readonly Setting<Uri> ApiSetting = Settings.Address(
        "api_url", "Base address of Webex's API and login; set it to test against a stand-in.",
        flag: "--webex-api-url", variable: "WEBEX_API_URL", @default: WebexDefaults.Api.OriginalString);

    public static SourceSettings All { get; } = new("webex",
    [
        TokenFileSetting, ConfigFileSetting, AppIdSetting, ClientIdSetting, ClientSecretSetting, TargetOrgSetting,
        IntegrationIdSetting, IntegrationSecretSetting, RedirectUriSetting, ScopesSetting, ApiSetting, .. WebexDataOptions.All,
    ])
    { IsDetectedIn = directory => File.Exists(Path.Combine(directory, WebexDefaults.ConfigFileName)) };

    public static WebexOptions Read(Section section)
    {
        var (id, secret) = (section.Find(IntegrationIdSetting), section.Find(IntegrationSecretSetting));
        var tokens = new WebexTokensOptions
        {
            ConfigFile = FindInWorkingDirectory(section, ConfigFileSetting, WebexDefaults.ConfigFileName) ?? section.Get(ConfigFileSetting),
            ServiceApp = JsonMembers.Empty
                .With("appId", section.Find(AppIdSetting)).With("clientId", section.Find(ClientIdSetting))
                .With("clientSecret", section.Find(ClientSecretSetting)?.Reveal()).With("targetOrgId", section.Find(TargetOrgSetting)),
            Integration = id is null || secret is null ? null : new OAuthClient(id, secret),
            RedirectUri = section.Get(RedirectUriSetting),
            Scopes = section.Get(ScopesSetting),
            Api = section.Get(ApiSetting),
        };
        if (tokens.Config.Problem is { } problem)
        {
            section.Problem(ConfigFileSetting, problem);
        }
        if (id is null != secret is null)
        {
            section.Problem(id is null ? IntegrationIdSetting : IntegrationSecretSetting,
                "an integration has a client ID and a client secret; set both, or neither");
        }
        var tokenFile = FindInWorkingDirectory(section, TokenFileSetting, WebexDefaults.EnvFileName);
        // The token manager of the personal access token changes the file too, so only what an account reads once from it counts.
        section.AddDependency($"{tokens.ConfigFile}\n{tokenFile}\n{(tokens.Integration ?? tokens.Config.Integration()) is not null}");
        return new WebexOptions(tokenFile, tokens, WebexDataOptions.Read(section));
    }

    /// <summary>The token manager's file in the working directory takes precedence over the default path.</summary>
    private static string? FindInWorkingDirectory(Section section, Setting setting, string name) =>
        section.Origin(setting) == "default" && Path.GetFullPath(name) is var file && File.Exists(file) ? file : null;
}
