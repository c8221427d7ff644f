using Exporter.Sources;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>The settings of an account at Webex.</summary>
/// <param name="Api">One base for API and login; another than Webex's is a stand-in.</param>
internal sealed record WebexOptions(string TokenFile, string ClientId, Secret ClientSecret, Uri Api, WebexDataOptions Data)
{
    private static readonly Setting<string> TokenFileSetting = Settings.Path("token_file", "The .env file that the service app's token is kept in; other lines in it stay as they are.",
        flag: "--webex-token-file", variable: "WEBEX_TOKEN_FILE", @default: ".env");

    private static readonly Setting<string> ClientIdSetting = Settings.Text("client_id", "Client id of the service app.",
        flag: "--webex-client-id", variable: "WEBEX_CLIENT_ID");

    private static readonly Setting<Secret> ClientSecretSetting = Settings.Secret("client_secret", "Client secret of the service app.",
        flag: "--webex-client-secret", variable: "WEBEX_CLIENT_SECRET");

    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of Webex's API and login; for a stand-in.",
        flag: "--webex-api-url", variable: "WEBEX_API_URL", @default: "https://webexapis.com");

    public static SourceSettings All { get; } = new("webex", [TokenFileSetting, ClientIdSetting, ClientSecretSetting, ApiSetting, .. WebexDataOptions.All]);

    public static WebexOptions Read(Section section) => new(
        section.Get(TokenFileSetting),
        section.Require(ClientIdSetting) ?? "",
        section.Require(ClientSecretSetting) ?? new Secret(""),
        section.Get(ApiSetting),
        WebexDataOptions.Read(section));
}
