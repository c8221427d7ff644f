using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;

namespace Exporter.Tests.Netatmo;

internal sealed class NetatmoExampleAccount : IExampleAccount
{
    public string Configure(SandboxServer sandbox, TemporaryDirectory directory)
    {
        directory.Write("weather.json", $$"""{"refresh_token": "{{sandbox.Netatmo.Login("read_station", "read_homecoach").RefreshToken}}"}""");
        return $"""
            weather:
              source: netatmo
              client_id: {sandbox.Netatmo.ClientId}
              client_secret: {sandbox.Netatmo.ClientSecret}
              token_file: weather.json
              api_url: {sandbox.Address}
              home_coaches: true
              location: true
            """;
    }
}
