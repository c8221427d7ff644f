using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>SIGHUP with the real program.</summary>
[Trait("Suite", "slow")]
public sealed class ReloadSignalTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SIGHUP_reloads_the_configuration_and_the_stream_stays_connected()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Providers = [new NetatmoProviderOptions(), new BmwProviderOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) }],
        }, Cancellation);
        var (broker, car) = (sandbox.Bmw.Broker!, Car(sandbox));
        Configure(car);
        await using var exporter = await RunningExporter.StartAsync(
            ["--config", directory["exporter.yml"], "-a", "127.0.0.1:0", "--state-folder", directory["state"]], Cancellation);
        await exporter.Says("connected to BMW's stream", Cancellation);

        Configure(car + Station(sandbox));
        await HangUpAsync(exporter);
        await exporter.Says("the configuration was reloaded: account home added, accounts unchanged: 1", Cancellation);
        await exporter.Says("account home: first reading succeeded", Cancellation);

        Configure(car + "  home: {source: netatmoo}\n");
        await HangUpAsync(exporter);
        await exporter.Says("the configuration was not reloaded, and nothing was changed: ", Cancellation);
        await exporter.Shows("exporter_up{account=\"home\",source=\"netatmo\"} 1", Cancellation);

        Assert.Equal(1, broker.Connects);
        Assert.Equal(0, await exporter.TerminateAsync(Cancellation));
    }

    public void Dispose() => directory.Dispose();

    private static async Task HangUpAsync(RunningExporter exporter) =>
        await Peer.Run("kill", ["-s", "HUP", $"{exporter.ProcessId}"], default, Cancellation);

    private void Configure(string accounts) => directory.Write("exporter.yml", $"accounts:\n{accounts}");

    private string Station(SandboxServer sandbox)
    {
        directory.Write("home.json", $$"""{"refresh_token":"{{sandbox.Netatmo.Login().RefreshToken}}"}""");
        return $"  home: {{source: netatmo, client_id: {sandbox.Netatmo.ClientId}, client_secret: {sandbox.Netatmo.ClientSecret}, "
            + $"token_file: home.json, api_url: \"{sandbox.Address}\"}}\n";
    }

    private string Car(SandboxServer sandbox)
    {
        var broker = sandbox.Bmw.Broker!;
        directory.Write("broker.pem", broker.CertificatePem);
        directory.Write("car.json", $$"""{"refresh_token":"{{sandbox.Bmw.Login().RefreshToken}}","client_id":"{{sandbox.Bmw.ClientId}}"}""");
        return $"  car: {{source: bmw-cardata, client_id: {sandbox.Bmw.ClientId}, token_file: car.json, auth_url: \"{sandbox.Address}\", "
            + $"mqtt_host: 127.0.0.1, mqtt_port: {broker.EndPoint.Port}, mqtt_ca_file: broker.pem}}\n";
    }
}
