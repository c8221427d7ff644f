using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Exporter.Sandbox;

namespace Exporter.Bench;

/// <summary>
/// A provider and an exporter.yml with twelve accounts and about 200 stations in all. If busy, it reads each account every ten to fifteen
/// seconds. About once a second there is a new reading, and every five seconds a renewed token. If idle, only scrapes happen.
/// </summary>
internal static class BusyProvider
{
    private const int Accounts = 12;

    public static async Task RunAsync(IPEndPoint listen, string directory, bool busy)
    {
        using var end = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            end.Cancel();
        });
        var options = new NetatmoProviderOptions { Limits = [], Stations = NetatmoSample.OfStations(200 / Accounts) };
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Listen = listen,
            // A token that expires in two minutes is renewed after one.
            Providers = [busy ? options with { Lifetimes = options.Lifetimes with { Access = TimeSpan.FromMinutes(2) } } : options],
        }, end.Token);
        var lines = new List<string> { "accounts:" };
        for (var i = 0; i < Accounts; i++)
        {
            var tokens = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"account-{i}.json"));
            await File.WriteAllTextAsync(tokens, $$"""{"refresh_token":"{{sandbox.Netatmo.Login("read_station").RefreshToken}}"}""", end.Token);
            File.SetUnixFileMode(tokens, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            lines.Add(string.Create(CultureInfo.InvariantCulture, $$"""
                  account-{{i}}:
                    source: netatmo
                    token_file: {{tokens}}
                    client_id: {{sandbox.Netatmo.ClientId}}
                    client_secret: {{sandbox.Netatmo.ClientSecret}}
                    api_url: {{sandbox.Address}}
                    age_stale: 24h
                    refresh_interval: {{(busy ? 10_000 + i * 400 : 480_000)}}ms
                """));
        }
        await File.WriteAllLinesAsync(Path.Combine(directory, "exporter.yml"), lines, end.Token);
        Console.WriteLine("ready");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, end.Token);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
