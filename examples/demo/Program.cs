using System.Net;
using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Demo;
using Exporter.Http;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Web;

// Runs the sandbox and the exporter in one process. No account is logged in: open the first address and log in.
var time = TimeProvider.System;
var directory = Directory.CreateTempSubdirectory("exporter-demo-");
try
{
    // The demo reads every few seconds instead of minutes, so the sandbox must not limit the rate.
    await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions
    {
        Providers =
        [
            new NetatmoProviderOptions { Limits = [] },
            new BmwProviderOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) },
            new HttpProviderOptions { Recipes = Heating.Prepare(directory.FullName, time) },
        ],
    }, CancellationToken.None);
    var broker = sandbox.Bmw.Broker!;
    var trusted = Path.Combine(directory.FullName, "broker.pem");
    await File.WriteAllTextAsync(trusted, broker.CertificatePem);
    ISource[] sources = [new NetatmoSource(), new BmwCarDataSource(), new HttpSource()];
    var file = Path.Combine(directory.FullName, "exporter.yml");
    await File.WriteAllTextAsync(file, $"""
        accounts:
          weather:
            source: netatmo
            token_file: weather.json
            client_id: {sandbox.Netatmo.ClientId}
            client_secret: {sandbox.Netatmo.ClientSecret}
            api_url: {sandbox.Address}
            refresh_interval: 10s
          car:
            source: bmw-cardata
            token_file: car.json
            client_id: {sandbox.Bmw.ClientId}
            auth_url: {sandbox.Address}
            api_url: {sandbox.Address}
            rest: true
            mqtt_host: {broker.EndPoint.Address}
            mqtt_port: {broker.EndPoint.Port}
            mqtt_ca_file: {trusted}
          heating:
            source: http
            module: tado
            token_file: heating.json
            device_authorization_endpoint: {sandbox.Address}tado/oauth/device_authorization
            token_endpoint: {sandbox.Address}tado/oauth/token
            api_url: {sandbox.Address}tado/api/v2

        """);
    var configuration = Configuration.Load(
        WebOptions.Settings,
        [.. sources.Select(source => source.Settings)],
        new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [file] },
        new Dictionary<string, string> { ["NETATMO_EXPORTER_ADDR"] = "127.0.0.1:0", ["EXPORTER_STATE_FOLDER"] = directory.FullName },
        directory.FullName);
    var web = WebOptions.Read(configuration.Program);
    var planned = ConfiguredAccount.All(configuration, sources);
    if (configuration.Problems is { Count: > 0 } problems)
    {
        Console.Error.WriteLine(string.Join('\n', problems));
        return 1;
    }

    var builder = WebServer.CreateBuilder(web);
    builder.Services.AddSources(sources).AddAccounts(planned);
    builder.Services.AddHostedService(_ => new Weather(sandbox.Netatmo, time));
    builder.Services.AddHostedService(_ => new Drive(broker, $"{sandbox.Bmw.Gcid}/{BmwProviderCar.Sample.Vin}", time));
    await using var app = builder.Build();
    app.MapExporter();
    await app.StartAsync();
    var address = app.Urls.First();
    sandbox.Netatmo.RegisterRedirectUri($"{address}/auth/callback");
    Console.WriteLine($"""

          Exporter  {address}/   open it and log in; {address}/metrics is for Prometheus
          Sandbox   {sandbox.Address}   simulates the providers; {sandbox.Address}sandbox/state has its counters

        Press Ctrl+C to stop both.

        """);
    await app.WaitForShutdownAsync();
}
finally
{
    directory.Delete(recursive: true);
}
return 0;
