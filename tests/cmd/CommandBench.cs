using Exporter.Sandbox;
using Exporter.Tests.Support;

namespace Exporter.Tests.Cmd;

/// <summary>A sandbox, and a configuration with accounts of two of its providers.</summary>
internal sealed class CommandBench : InProcessCommands
{
    private CommandBench(SandboxServer sandbox, ManualTime time)
        : base(time)
    {
        Sandbox = sandbox;
        Configure($"""
            accounts:
              home:
                source: netatmo
                api_url: {sandbox.Address.OriginalString}
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_file: home.json
              car:
                source: bmw-cardata
                auth_url: {sandbox.Address.OriginalString}
                client_id: {sandbox.Bmw.ClientId}
                token_file: car.json

            """);
    }

    public SandboxServer Sandbox { get; }

    /// <summary>An address where no exporter responds.</summary>
    public string Address { get; } = $"127.0.0.1:{FreePort.Take()}";

    public static async Task<CommandBench> StartAsync()
    {
        var time = new ManualTime();
        return new CommandBench(await SandboxServer.StartAsync(new SandboxOptions { Time = time }, Cancellation), time);
    }

    /// <summary>Writes the token file of the Netatmo account, like a login.</summary>
    /// <param name="left">How long the access token is still valid.</param>
    /// <param name="lifetime">How long it was valid when it was issued.</param>
    public IssuedTokens LogInHome(TimeSpan? left = null, TimeSpan? lifetime = null)
    {
        var issued = Sandbox.Netatmo.Login();
        var expiry = Time.GetUtcNow() + (left ?? issued.ExpiresIn);
        var expiresIn = lifetime is { } all ? $",\"expires_in\":{all.TotalSeconds}" : "";
        Write("home.json", $$"""
            {"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","expiry":"{{expiry:O}}"{{expiresIn}}}
            """);
        return issued;
    }

    /// <summary>Writes the token file of the BMW account, like BmwTokenManager.</summary>
    public IssuedTokens LogInCar(string file = "car.json", string clientId = "")
    {
        var issued = Sandbox.Bmw.Login();
        Write(file, $$"""
            {
                "access_token": "{{issued.AccessToken}}",
                "refresh_token": "{{issued.RefreshToken}}",
                "gcid": "{{Sandbox.Bmw.Gcid}}",
                "client_id": "{{(clientId.Length > 0 ? clientId : Sandbox.Bmw.ClientId)}}",
                "mine": [1, 2]
            }
            """);
        return issued;
    }

    public override async ValueTask DisposeAsync()
    {
        await Sandbox.DisposeAsync();
        await base.DisposeAsync();
    }
}
