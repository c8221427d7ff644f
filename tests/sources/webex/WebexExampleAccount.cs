using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;

namespace Exporter.Tests.Webex;

/// <summary>With two data sources: one whose token expires soon, and a disabled one.</summary>
internal sealed class WebexExampleAccount : IExampleAccount
{
    public string Configure(SandboxServer sandbox, TemporaryDirectory directory)
    {
        var webex = sandbox.Webex;
        webex.DataSources.Add("https://voice.example.com", lifetimeMinutes: 2);
        webex.DataSources.Add("https://archive.example.com", errorMessage: "moving");
        var (app, integration) = (webex.LoginServiceApp(), webex.LoginIntegration());
        directory.Write("hook.env", $"WEBEX_SERVICE_APP_ACCESS_TOKEN={app.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={app.RefreshToken}\n");
        directory.Write("token-config.json", $$$"""
            {
              "serviceApp": {
                "appId": "{{{webex.AppId}}}", "clientId": "{{{webex.ClientId}}}",
                "clientSecret": "{{{webex.ClientSecret}}}", "targetOrgId": "{{{webex.OrgId}}}"
              },
              "tokenManager": {
                "integration": {
                  "clientId": "{{{webex.IntegrationClientId}}}", "clientSecret": "{{{webex.IntegrationClientSecret}}}",
                  "refreshToken": "{{{integration.RefreshToken}}}"
                }
              }
            }
            """);
        return $"""
            hook:
              source: webex
              config_file: token-config.json
              token_file: hook.env
              api_url: {sandbox.Address}
              extend_data_sources: true
            """;
    }
}
