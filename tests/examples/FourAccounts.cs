using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>The real program with an account of every source that has readings, at the stand-in clouds, and a real Prometheus that scrapes it every second.</summary>
internal sealed class FourAccounts : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<IAsyncDisposable> running = [];

    private FourAccounts() { }

    public PrometheusPeer Prometheus { get; private set; } = null!;

    public static async Task<FourAccounts> StartAsync(CancellationToken cancellation)
    {
        var bench = new FourAccounts();
        try
        {
            await bench.RunAsync(cancellation);
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(running))
        {
            await one.DisposeAsync();
        }
        folder.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions { Bmw = new BmwCloudOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) } }, cancellation);
        running.Add(sandbox);
        sandbox.Webex.DataSources.Add("https://voice.example.com", lifetimeMinutes: 2);
        sandbox.Webex.DataSources.Add("https://archive.example.com", errorMessage: "moving");
        var exporter = await RunningExporter.StartAsync(["--config", Configure(sandbox), "-a", "127.0.0.1:0"], cancellation);
        running.Add(exporter);
        await ReadAsync(exporter, accounts: 3, cancellation);
        while (await sandbox.Bmw.Broker!.PublishAsync($"{sandbox.Bmw.Gcid}/{BmwCloudCar.Sample.Vin}", CarMessage()) == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellation);
        }
        Prometheus = await PrometheusPeer.StartAsync(folder, exporter.Http.BaseAddress!.Authority, cancellation);
        running.Add(Prometheus);
        // With the car's message a scrape has everything.
        await Prometheus.ValuesAsync("bmw_cardata_value_timestamp_seconds", cancellation);
    }

    /// <summary>Waits for the first reading of so many accounts. A car has none before it speaks.</summary>
    public static async Task ReadAsync(RunningExporter exporter, int accounts, CancellationToken cancellation)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, over.Token);
        try
        {
            for (var account = 0; account < accounts; account++)
            {
                await exporter.Says("reading is fine", limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            Assert.Fail($"not every account was read within a minute:\n{exporter.Log}");
        }
    }

    private string Configure(SandboxServer sandbox)
    {
        var (app, integration) = (sandbox.Webex.LoginServiceApp(), sandbox.Webex.LoginIntegration());
        folder.Write("hook.env", $"WEBEX_SERVICE_APP_ACCESS_TOKEN={app.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={app.RefreshToken}\n");
        folder.Write("token-config.json", $$$"""
            {
              "serviceApp": {"appId": "{{{sandbox.Webex.AppId}}}", "clientId": "{{{sandbox.Webex.ClientId}}}", "clientSecret": "{{{sandbox.Webex.ClientSecret}}}", "targetOrgId": "{{{sandbox.Webex.OrgId}}}"},
              "tokenManager": {"integration": {"clientId": "{{{sandbox.Webex.IntegrationClientId}}}", "clientSecret": "{{{sandbox.Webex.IntegrationClientSecret}}}", "refreshToken": "{{{integration.RefreshToken}}}"}}
            }
            """);
        folder.Write("broker.pem", sandbox.Bmw.Broker!.CertificatePem);
        folder.Write("weather.json", $$"""{"refresh_token": "{{sandbox.Netatmo.Login("read_station", "read_homecoach").RefreshToken}}"}""");
        folder.Write("car.json", $$"""{"refresh_token": "{{sandbox.Bmw.Login().RefreshToken}}", "client_id": "{{sandbox.Bmw.ClientId}}"}""");
        return folder.Write("exporter.yml", $"""
            state_folder: state
            accounts:
              weather:
                source: netatmo
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_file: weather.json
                api_url: {sandbox.Address}
                home_coaches: true
                location: true
              car:
                source: bmw-cardata
                client_id: {sandbox.Bmw.ClientId}
                token_file: car.json
                auth_url: {sandbox.Address}
                api_url: {sandbox.Address}
                rest: true
                mqtt_host: 127.0.0.1
                mqtt_port: {sandbox.Bmw.Broker.EndPoint.Port}
                mqtt_ca_file: broker.pem
              hook:
                source: webex
                config_file: token-config.json
                token_file: hook.env
                api_url: {sandbox.Address}
                extend_data_sources: true
              office:
                source: ergani
                username: {sandbox.Ergani.Username}
                password: {sandbox.Ergani.Password}
                token_folder: ergani
                api_url: {ErganiCloud.AddressAt(sandbox.Address)}
                counts: [submissions, services, employer, branches, workforce]

            """);
    }

    /// <summary>A car that charges and tells everything a dashboard shows.</summary>
    private static byte[] CarMessage()
    {
        (string Key, string Value)[] values =
        [
            ("drivetrain.batteryManagement.header", """ "value": 66, "unit": "percent" """),
            ("powertrain.electric.battery.stateOfCharge.target", """ "value": 80, "unit": "percent" """),
            ("powertrain.electric.battery.stateOfHealth.displayed", """ "value": 97, "unit": "percent" """),
            ("drivetrain.batteryManagement.maxEnergy", """ "value": 80.7, "unit": "kWh" """),
            ("powertrain.electric.battery.charging.power", """ "value": 10800, "unit": "W" """),
            ("drivetrain.electricEngine.charging.status", """ "value": "CHARGINGACTIVE" """),
            ("drivetrain.electricEngine.charging.timeRemaining", """ "value": 65, "unit": "min" """),
            ("drivetrain.electricEngine.kombiRemainingElectricRange", """ "value": 264, "unit": "km" """),
            ("vehicle.travelledDistance", """ "value": 10489, "unit": "km" """),
            ("status.serviceDistance.next", """ "value": 18000, "unit": "km" """),
            ("body.chargingPort.status", """ "value": "CONNECTED" """),
            ("cabin.door.row1.driver.isOpen", """ "value": false """),
            ("cabin.window.row1.driver.status", """ "value": "CLOSED" """),
            ("cabin.door.lock.status", """ "value": "SECURED" """),
            ("chassis.axle.row1.wheel.left.tire.pressure", """ "value": 250, "unit": "kPa" """),
            ("chassis.axle.row1.wheel.left.tire.pressureTarget", """ "value": 260, "unit": "kPa" """),
            ("electricalSystem.battery.voltage", """ "value": 13.6, "unit": "V" """),
            ("electricalSystem.battery.stateOfCharge", """ "value": 88, "unit": "percent" """),
        ];
        var now = $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'}";
        var data = string.Join(", ", values.Select(one => $$""" "vehicle.{{one.Key}}": {"timestamp": "{{now}}",{{one.Value}}}"""));
        return Encoding.UTF8.GetBytes($$"""{"vin": "{{BmwCloudCar.Sample.Vin}}", "data": { {{data}} }, "timestamp": "{{now}}"}""");
    }
}
