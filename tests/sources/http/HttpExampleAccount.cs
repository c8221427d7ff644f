using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;

namespace Exporter.Tests.Http;

/// <summary>An account of every recipe, with the saved answers as the provider.</summary>
internal sealed class HttpExampleAccount : IExampleAccount
{
    /// <summary>The accounts are read one after another; these series are of the last one.</summary>
    public string LastSeries => "withings_device_info";

    public ProviderOptions Provider => new HttpProviderOptions { Recipes = RecipeAnswers.At(TimeProvider.System.GetUtcNow()) };

    public string Configure(SandboxServer sandbox, TemporaryDirectory directory)
    {
        foreach (var recipe in new[] { "homeconnect", "tado", "viessmann", "withings" })
        {
            directory.Write($"{recipe}.json", $$"""{"refresh_token": "{{sandbox.Http.LoginTo(recipe).RefreshToken}}"}""");
        }
        return $"""
            household:
              source: http
              module: homeconnect
              client_id: homeconnect-client
              client_secret: sandbox-homeconnect-client-secret
              {Endpoints("homeconnect", "authorization_endpoint", "authorize")}
              api_url: {At("/homeconnect/api")}
            hotwater:
              source: http
              module: viessmann
              client_id: viessmann-client
              {Endpoints("viessmann", "authorization_endpoint", "authorize")}
              api_url: {At("/viessmann/iot")}
            repositories:
              source: http
              module: github
              api_url: {At("/github")}
              settings:
                token: {sandbox.Http.LoginTo("github").AccessToken}
            heating:
              source: http
              module: tado
              {Endpoints("tado", "device_authorization_endpoint", "device_authorization")}
              api_url: {At("/tado/api/v2")}
            jobs:
              source: http
              module: service
              client_id: service-client
              client_secret: sandbox-service-client-secret
              issuer: {At("/service/oauth")}
              settings:
                server: {At("/service")}
                keycloak: {At("/service")}
            scale:
              source: http
              module: withings
              client_id: withings-client
              client_secret: sandbox-withings-client-secret
              {Endpoints("withings", "authorization_endpoint", "authorize")}
              api_url: {At("/withings")}
            """;

        Uri At(string path) => new(sandbox.Address, path);

        string Endpoints(string recipe, string login, string path) => $"""
            {login}: {At($"/{recipe}/oauth/{path}")}
              token_endpoint: {At($"/{recipe}/oauth/token")}
              token_file: {recipe}.json
            """;
    }
}
