using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>The settings of an account at Webex. What <c>token-config.json</c> holds may be set here instead, field by field.</summary>
/// <param name="TokenFile">Another than the one the configuration names where that names none and one lies in the working directory; else null.</param>
/// <param name="Integration">Null where the file's is used.</param>
/// <param name="Api">One base for API and login; another than Webex's is a stand-in.</param>
internal sealed record WebexOptions(string? TokenFile, TokenConfig Config, OAuthClient? Integration, Uri RedirectUri, IReadOnlyList<string> Scopes, Uri Api, WebexDataOptions Data)
{
    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "The .env file that the service app's token is kept in; its other lines stay as they are.",
        flag: "--webex-token-file", variable: "WEBEX_TOKEN_FILE", @default: WebexDefaults.EnvFileName);

    private static readonly Setting<string> ConfigFileSetting = Settings.Path("config_file",
        "The token manager's configuration: the service app, and the personal access token with the integration that renews it, which are written there.",
        flag: "--webex-config-file", variable: "WEBEX_CONFIG_FILE", @default: WebexDefaults.ConfigFileName);

    private static readonly Setting<string> AppIdSetting = Settings.Text("app_id", "Application id of the service app, instead of the file's serviceApp.appId.",
        flag: "--webex-app-id", variable: "WEBEX_APP_ID");

    private static readonly Setting<string> ClientIdSetting = Settings.Text("client_id", "Client id of the service app, instead of the file's.",
        flag: "--webex-client-id", variable: "WEBEX_CLIENT_ID");

    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret("client_secret", "Client secret of the service app, instead of the file's.",
        flag: "--webex-client-secret", variable: "WEBEX_CLIENT_SECRET");

    private static readonly Setting<string> TargetOrgSetting = Settings.Text("target_org_id", "Organisation whose admin has authorized the service app, instead of the file's.",
        flag: "--webex-target-org-id", variable: "WEBEX_TARGET_ORG_ID");

    private static readonly Setting<string> IntegrationIdSetting = Settings.Text("integration_client_id", "Client id of the integration that a login is for, instead of the file's.",
        flag: "--webex-integration-client-id", variable: "WEBEX_INTEGRATION_CLIENT_ID");

    private static readonly Setting<Secret> IntegrationSecretSetting = Settings.Secret("integration_client_secret", "Client secret of the integration.",
        flag: "--webex-integration-client-secret", variable: "WEBEX_INTEGRATION_CLIENT_SECRET");

    private static readonly Setting<Uri> RedirectUriSetting = Settings.Address("redirect_uri", "Redirect URI that is registered for the integration.",
        flag: "--webex-redirect-uri", variable: "WEBEX_REDIRECT_URI", @default: WebexDefaults.LoopbackRedirect.OriginalString);

    private static readonly Setting<IReadOnlyList<string>> ScopesSetting = Settings.List("scopes", "Scopes that a login to the integration asks for.",
        flag: "--webex-scopes", variable: "WEBEX_SCOPES", @default: WebexDefaults.ApplicationsToken);

    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of Webex's API and login; for a stand-in.",
        flag: "--webex-api-url", variable: "WEBEX_API_URL", @default: WebexDefaults.Webex.OriginalString);

    public static SourceSettings All { get; } = new("webex",
    [
        TokenFileSetting, ConfigFileSetting, AppIdSetting, ClientIdSetting, ClientSecretSetting, TargetOrgSetting,
        IntegrationIdSetting, IntegrationSecretSetting, RedirectUriSetting, ScopesSetting, ApiSetting, .. WebexDataOptions.All,
    ])
    { IsDetectedIn = directory => File.Exists(Path.Combine(directory, WebexDefaults.ConfigFileName)) };

    public static WebexOptions Read(Section section)
    {
        var app = new ServiceAppSettings(section.Find(AppIdSetting), section.Find(ClientIdSetting), section.Find(ClientSecretSetting), section.Find(TargetOrgSetting));
        var config = new TokenConfig(InWorkingDirectory(section, ConfigFileSetting, WebexDefaults.ConfigFileName) ?? section.Get(ConfigFileSetting), app);
        if (config.Problem is { } problem)
        {
            section.Problem(ConfigFileSetting, problem);
        }
        var (id, secret) = (section.Find(IntegrationIdSetting), section.Find(IntegrationSecretSetting));
        if (id is null != secret is null)
        {
            section.Problem(id is null ? IntegrationIdSetting : IntegrationSecretSetting, "an integration has a client id and a client secret; set both, or neither");
        }
        return new WebexOptions(
            InWorkingDirectory(section, TokenFileSetting, WebexDefaults.EnvFileName),
            config,
            id is null || secret is null ? null : new OAuthClient(id, secret),
            section.Get(RedirectUriSetting),
            section.Get(ScopesSetting),
            section.Get(ApiSetting),
            WebexDataOptions.Read(section));
    }

    /// <summary>Whether a browser can log somebody in: an integration is known.</summary>
    public bool HasIntegration => Integration is not null || Config.Integration() is not null;

    /// <summary>A file that nobody has named is looked for in the working directory first, where the token manager has it.</summary>
    private static string? InWorkingDirectory(Section section, Setting setting, string name) =>
        section.Origin(setting) == "default" && Path.GetFullPath(name) is var here && File.Exists(here) ? here : null;
}
