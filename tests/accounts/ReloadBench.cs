using System.Net;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;
using static Exporter.Tests.Support.Wait;

namespace Exporter.Tests.Accounts;

/// <summary>The accounts of a configuration file in a real host, with the sandbox as their provider. A reload reads the file again.</summary>
internal sealed class ReloadBench : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private IHost? host;

    private ReloadBench(SandboxServer sandbox) => Sandbox = sandbox;

    public SandboxServer Sandbox { get; }

    public CollectedLog Log { get; } = new();

    public TemporaryDirectory DirectoryPath => directory;

    public IServiceProvider Services => host!.Services;

    public IReadOnlyList<Account> Accounts => Services.GetRequiredService<AccountList>().Current;

    public HostedAccounts Hosted => Services.GetRequiredService<HostedAccounts>();

    /// <summary>The metrics page in text format.</summary>
    public string Page => Pages.Text(Services.GetRequiredService<MetricsCache>().Current(Prometheus.ExpositionFormat.PrometheusText, gzip: false));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="accounts">The accounts of the file at the start.</param>
    public static async Task<ReloadBench> StartAsync(Func<ReloadBench, string> accounts)
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions
        {
            Providers =
            [
                new NetatmoProviderOptions(), new BmwProviderOptions { Stream = new IPEndPoint(IPAddress.Loopback, 0) }, new ErganiProviderOptions(),
            ],
        }, Cancellation);
        var bench = new ReloadBench(sandbox);
        try
        {
            bench.Configure(accounts(bench));
            await bench.StartHostAsync();
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    public Account Account(string name) => Accounts.Single(account => account.Name == name);

    /// <summary>A weather station whose token file has a new login.</summary>
    public string Station(string name, string more = "")
    {
        directory.Write($"{name}.json", $$"""{"refresh_token":"{{Sandbox.Netatmo.Login().RefreshToken}}"}""");
        return StationWithFile(name, $"{name}.json", more);
    }

    public string StationWithFile(string name, string file, string more = "") =>
        $"  {name}: {{source: netatmo, client_id: {Sandbox.Netatmo.ClientId}, client_secret: {Sandbox.Netatmo.ClientSecret}, "
        + $"token_file: {file}, api_url: \"{Sandbox.Address}\"{more}}}\n";

    public string Car(string name)
    {
        var broker = Sandbox.Bmw.Broker!;
        directory.Write("broker.pem", broker.CertificatePem);
        directory.Write($"{name}.json", $$"""{"refresh_token": "{{Sandbox.Bmw.Login().RefreshToken}}", "client_id": "{{Sandbox.Bmw.ClientId}}"}""");
        return $"  {name}: {{source: bmw-cardata, client_id: {Sandbox.Bmw.ClientId}, token_file: {name}.json, auth_url: \"{Sandbox.Address}\", "
            + $"mqtt_host: 127.0.0.1, mqtt_port: {broker.EndPoint.Port}, mqtt_ca_file: broker.pem}}\n";
    }

    /// <summary>Writes the file.</summary>
    /// <param name="accounts">Lines of accounts.</param>
    public void Configure(string accounts) => directory.Write("exporter.yml", $"state_folder: state\naccounts:\n{accounts}");

    public Task<ReloadResult> ReloadAsync() => Services.GetRequiredService<ConfigurationReload>().ReloadAsync(Cancellation);

    public Task<ReloadResult> ReloadAsync(string accounts)
    {
        Configure(accounts);
        return ReloadAsync();
    }

    /// <summary>Waits for pages with the readings: a scrape during the encoding of a change gets the previous page.</summary>
    public async Task ReadsAsync(params string[] names)
    {
        await UntilAsync(() => names.All(name => Account(name).ReadingSource?.Status is { Up: true }));
        await UntilAsync(() =>
        {
            var lines = Page.Split('\n').Where(line => line.StartsWith("exporter_up{", StringComparison.Ordinal)).ToList();
            return names.All(name => lines.Any(line =>
                line.Contains($"account=\"{name}\"", StringComparison.Ordinal) && line.EndsWith("} 1", StringComparison.Ordinal)));
        });
    }

    /// <summary>Waits for a page with the text: pages within ten milliseconds share the values of the process.</summary>
    public Task ShowsAsync(string text) => UntilAsync(() => Page.Contains(text, StringComparison.Ordinal));

    /// <summary>A scrape during the encoding of a change gets the previous page.</summary>
    public Task HidesAsync(string text) => UntilAsync(() => !Page.Contains(text, StringComparison.Ordinal));

    public Task StopAsync() => host!.StopAsync(Cancellation);

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.StopAsync(CancellationToken.None);
            host.Dispose();
        }
        await Sandbox.DisposeAsync();
        directory.Dispose();
    }

    private async Task StartHostAsync()
    {
        var configured = Read();
        Assert.Empty(configured.Problems);
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddExporter(TimeProvider.System, Log, configured.Accounts).AddReload(configured.Accounts, Read)
            .AddSingleton<IHostLifetime, ShutdownSignals.HostLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ServicesStopConcurrently = true);
        host = builder.Build();
        await host.StartAsync(Cancellation);
    }

    private NewConfiguration Read()
    {
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [directory["exporter.yml"]] };
        var settings = Composition.Sources.Select(source => source.Settings).ToList();
        var configuration = Configuration.Load([], settings, flags, new Dictionary<string, string>(), directory.Path);
        var accounts = ConfiguredAccount.All(configuration, Composition.Sources);
        return new NewConfiguration(accounts, [.. configuration.Problems.Select(problem => problem.ToString())], []);
    }
}
