using Exporter.Sandbox;
using Exporter.Tests.Cmd;

namespace Exporter.Tests.BmwCarData;

/// <summary>The program with an account at the sandbox, and mosquitto as BMW's stream.</summary>
internal sealed class CarCommands : InProcessCommands
{
    private CarCommands(SandboxServer sandbox, Mosquitto broker, ManualTime time)
        : base(time)
    {
        (Sandbox, Broker) = (sandbox, broker);
        Configure($"""
            state_folder: state
            accounts:
              car:
                source: bmw-cardata
                auth_url: {sandbox.Address.OriginalString}
                client_id: {sandbox.Bmw.ClientId}
                mqtt_host: 127.0.0.1
                mqtt_port: {broker.Port}
                mqtt_ca_file: {broker.CertificateFile}
                token_file: car.json

            """);
    }

    public SandboxServer Sandbox { get; }

    public Mosquitto Broker { get; }

    public static async Task<CarCommands> StartAsync()
    {
        var time = new ManualTime();
        var broker = await Mosquitto.Start(StreamBench.IdToken(0));
        var options = new SandboxOptions { Time = time, Providers = [new BmwProviderOptions { Gcid = Mosquitto.User }] };
        return new CarCommands(await SandboxServer.StartAsync(options, Cancellation), broker, time);
    }

    /// <summary>Writes a token file whose ID token is the broker's password. The token expires in an hour.</summary>
    public void LogIn()
    {
        var issued = Sandbox.Bmw.Login();
        Write("car.json", $$"""
            {"access_token": "{{issued.AccessToken}}", "refresh_token": "{{issued.RefreshToken}}", "id_token": "{{StreamBench.IdToken(0)}}",
             "gcid": "{{Mosquitto.User}}", "expires_at": {{(Time.GetUtcNow() + TimeSpan.FromHours(1)).ToUnixTimeSeconds()}}, "expires_in": 3600}
            """);
    }

    /// <summary>Runs a command until cancellation.</summary>
    public Task<int> RunUntilAsync(CancellationToken stop, params string[] arguments) =>
        RunWithoutConfigurationAsync([], stop, [.. arguments, "--config", this["exporter.yml"]]);

    public override async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        await Sandbox.DisposeAsync();
        await base.DisposeAsync();
    }
}
