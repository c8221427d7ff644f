using System.Runtime.InteropServices;
using Exporter.Demo;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Sources;
using Exporter.Tokens;
using Exporter.Web;

// Sandbox and exporter in one process, without an account anywhere: open the first address and click the login.
using var end = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
var time = TimeProvider.System;
var folder = Directory.CreateTempSubdirectory("exporter-demo-");
try
{
    // The demo asks every few seconds, where an exporter asks every few minutes; the real cloud would limit that.
    await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions { Netatmo = new NetatmoCloudOptions { Limits = [] } }, end.Token);
    var configuration = Configuration.Load(
        WebOptions.Settings,
        [new NetatmoSource().Settings],
        new Dictionary<Setting, IReadOnlyList<string>>(),
        new Dictionary<string, string>
        {
            ["NETATMO_API_URL"] = sandbox.Address.OriginalString,
            ["NETATMO_CLIENT_ID"] = sandbox.Netatmo.ClientId,
            ["NETATMO_CLIENT_SECRET"] = sandbox.Netatmo.ClientSecret,
            ["NETATMO_EXPORTER_TOKEN_FILE"] = Path.Combine(folder.FullName, "token.json"),
            ["NETATMO_REFRESH_INTERVAL"] = "10s",
            ["NETATMO_EXPORTER_ADDR"] = "127.0.0.1:0",
        },
        folder.FullName);
    var web = WebOptions.Read(configuration.Program);
    var planned = PlannedAccount.All(configuration, [new NetatmoSource()]);
    if (configuration.Problems is { Count: > 0 } problems)
    {
        Console.Error.WriteLine(string.Join('\n', problems));
        return 1;
    }

    using var logging = LoggerFactory.Create(_ => { });
    using var account = planned.Single().Open(new KeeperOptions(), time, logging);
    var exposition = new Exposition([account], time);
    await using var app = WebServer.Build(web, [account], exposition, time, logging);
    await account.Keeper.LoadAsync(end.Token);
    await app.StartAsync(end.Token);
    var address = app.Urls.First();
    sandbox.Netatmo.RegisterRedirectUri($"{address}/auth/callback");
    Console.WriteLine($"""

          Exporter  {address}/   open it, click the login, and watch; {address}/metrics is for Prometheus
          Sandbox   {sandbox.Address}   the cloud that the exporter talks to; what it counted is at {sandbox.Address}sandbox/state

        Ctrl+C ends both.

        """);

    await Task.WhenAll(
        new Rounds([account.Keeper], time, logging.CreateLogger("exporter")).RunAsync(end.Token),
        exposition.RunAsync(end.Token),
        account.RunAsync(end.Token),
        new Weather(sandbox.Netatmo, time).RunAsync(end.Token));
}
catch (OperationCanceledException) when (end.IsCancellationRequested)
{
}
finally
{
    folder.Delete(recursive: true);
}
return 0;

void End(PosixSignalContext context)
{
    context.Cancel = true;
    end.Cancel();
}
