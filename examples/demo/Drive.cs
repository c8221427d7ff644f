using Exporter.Sandbox;

namespace Exporter.Demo;

/// <summary>Lets the sandbox's car drive, so that its stream has messages.</summary>
internal sealed class Drive(BmwBroker broker, string topic, TimeProvider time) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BmwDrive(BmwProviderCar.Sample.Vin, time).RunAsync(broker, topic, stoppingToken);
}
