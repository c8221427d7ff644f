using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Exporter.Tests.Cmd;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The commands of the real program for a Webex account, with the stand-in and the token manager's files.</summary>
internal sealed class WebexTerminal : InProcessCommands
{
    private readonly SandboxServer sandbox;
    private readonly List<string> secrets = [];

    private WebexTerminal(SandboxServer sandbox, ManualTime time)
        : base(time)
    {
        this.sandbox = sandbox;
        Configure($"""
            accounts:
              gateway:
                source: webex
                api_url: {sandbox.Address.OriginalString}
                token_file: .env
                config_file: token-config.json

            """);
    }

    public Uri Address => sandbox.Address;

    public WebexProvider Provider => sandbox.Webex;

    public WebexDataSources Sources => Provider.DataSources;

    public static async Task<WebexTerminal> StartAsync()
    {
        var time = new ManualTime();
        return new WebexTerminal(await SandboxServer.StartAsync(new SandboxOptions { Time = time }, Cancellation), time);
    }

    /// <summary>With a complete, logged-in service app.</summary>
    public static async Task<WebexTerminal> LoggedInAsync()
    {
        var terminal = await StartAsync();
        return terminal.WriteConfig().WriteEnv(terminal.Provider.LoginServiceApp());
    }

    /// <summary>Writes a configuration with changed fields of the service app.</summary>
    public WebexTerminal WriteConfig(JsonObject? manager = null, params (string Name, string Value)[] changes)
    {
        var app =
            new JsonObject
            {
                ["appId"] = Provider.AppId,
                ["clientId"] = Provider.ClientId,
                ["clientSecret"] = Provider.ClientSecret,
                ["targetOrgId"] = Provider.OrgId
            };
        foreach (var (name, value) in changes)
        {
            app[name] = value;
        }
        Write("token-config.json", new JsonObject { ["serviceApp"] = app, ["tokenManager"] = manager ?? [] }.ToJsonString());
        return this;
    }

    /// <summary>A personal access token; with a refresh token, also the integration.</summary>
    public JsonObject Manager(string? personal, string? refreshToken = null, string? clientSecret = null)
    {
        var manager = new JsonObject { ["personalAccessToken"] = personal };
        if (refreshToken is not null)
        {
            manager["integration"] = new JsonObject
            {
                ["clientId"] = Provider.IntegrationClientId,
                ["clientSecret"] = clientSecret ?? Provider.IntegrationClientSecret,
                ["refreshToken"] = refreshToken,
            };
        }
        return manager;
    }

    public WebexTerminal WriteEnv(IssuedTokens issued)
    {
        secrets.AddRange([issued.AccessToken, issued.RefreshToken]);
        Write(".env", $"WEBEX_SERVICE_APP_ACCESS_TOKEN={issued.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={issued.RefreshToken}\n");
        return this;
    }

    public void HasNoSecret() => Assert.All(
        [.. secrets, Provider.ClientSecret, .. Sources.All.Select(s => s.Nonce), .. Sources.All.Select(s => s.JwsToken)], secret =>
            Assert.DoesNotContain(secret, Output + Error));

    public override async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        await base.DisposeAsync();
    }
}
