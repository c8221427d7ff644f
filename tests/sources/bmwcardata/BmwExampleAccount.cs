using System.Net;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Support;

namespace Exporter.Tests.BmwCarData;

/// <summary>An account with a car that has no reading before its first message.</summary>
internal sealed class BmwExampleAccount : IExampleAccount
{
    public bool Reads => false;

    public ProviderOptions Provider => new BmwProviderOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) };

    public string LastSeries => "bmw_cardata_value_timestamp_seconds";

    public string Configure(SandboxServer sandbox, TemporaryDirectory directory)
    {
        var bmw = sandbox.Bmw;
        directory.Write("broker.pem", bmw.Broker!.CertificatePem);
        directory.Write("car.json", $$"""{"refresh_token": "{{bmw.Login().RefreshToken}}", "client_id": "{{bmw.ClientId}}"}""");
        return $"""
            car:
              source: bmw-cardata
              client_id: {bmw.ClientId}
              token_file: car.json
              auth_url: {sandbox.Address}
              api_url: {sandbox.Address}
              rest: true
              mqtt_host: 127.0.0.1
              mqtt_port: {bmw.Broker.EndPoint.Port}
              mqtt_ca_file: broker.pem
            """;
    }

    public async Task SendAsync(SandboxServer sandbox, CancellationToken cancellationToken)
    {
        while (await sandbox.Bmw.Broker!.PublishAsync($"{sandbox.Bmw.Gcid}/{BmwProviderCar.Sample.Vin}", CarMessage()) == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>A message of a charging car with all values of the dashboard.</summary>
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
        return Encoding.UTF8.GetBytes($$"""{"vin": "{{BmwProviderCar.Sample.Vin}}", "data": { {{data}} }, "timestamp": "{{now}}"}""");
    }
}
