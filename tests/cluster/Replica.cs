using System.Net;
using System.Security.Cryptography;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;

namespace Exporter.Tests.Cluster;

/// <summary>One replica: a process of the real program.</summary>
internal sealed class Replica(Peer process, Uri address) : IAsyncDisposable
{
    private const string KeyFile = "keys";

    /// <summary>The program.</summary>
    public static readonly string Binary =
        Environment.GetEnvironmentVariable("EXPORTER_CLUSTER") ?? Path.Combine(AppContext.BaseDirectory, "oauth-exporter-cluster");

    public HttpClient Http { get; } = new() { BaseAddress = address };

    public string Log => process.Output;

    public int ProcessId => process.ProcessId;

    public int Port => address.Port;

    /// <summary>Writes the configuration of all replicas, with two templates: <c>fleet</c>, which only keeps tokens, and <c>home</c>, which also reads weather stations.</summary>
    public static void Configure(TemporaryDirectory directory, string clientId, string clientSecret, Uri tokenEndpoint)
    {
        WriteKeys(directory);
        directory.Write("secret", clientSecret);
        directory.Write("exporter.yml", $"""
            store_key_file: {KeyFile}
            state_folder: {directory.Path}
            accounts:
              fleet:
                source: oauth2
                client_id: {clientId}
                client_secret_file: secret
                token_endpoint: {tokenEndpoint}
              home:
                source: netatmo
                client_id: {clientId}
                client_secret_file: secret
                api_url: {new Uri(tokenEndpoint, "/")}
            """);
    }

    /// <summary>Writes the configuration of all replicas, with one template: <c>cars</c>, which follows the cars of a user of BMW.</summary>
    public static void ConfigureCars(TemporaryDirectory directory, SandboxServer sandbox)
    {
        WriteKeys(directory);
        directory.Write("broker.pem", sandbox.Bmw.Broker!.CertificatePem);
        // Below a file, so that nothing can be written there, as on a read-only file system.
        directory.Write("exporter.yml", $"""
            store_key_file: {KeyFile}
            state_folder: {directory[KeyFile]}/state
            accounts:
              cars:
                source: bmw-cardata
                client_id: {sandbox.Bmw.ClientId}
                auth_url: {sandbox.Address}
                api_url: {sandbox.Address}
                rest: true
                mqtt_host: 127.0.0.1
                mqtt_port: {sandbox.Bmw.Broker!.EndPoint.Port}
                mqtt_ca_file: broker.pem
            """);
    }

    /// <summary>The keys of the configuration.</summary>
    public static TokenKeys Keys(TemporaryDirectory directory) => TokenKeys.Read(directory[KeyFile]).Value!;

    private static void WriteKeys(TemporaryDirectory directory) =>
        directory.Write(KeyFile, $"first {Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}\n");

    /// <param name="store">The address of the database.</param>
    /// <param name="port">To listen on; by default, a free one.</param>
    public static async Task<Replica> StartAsync(TemporaryDirectory directory, string store, CancellationToken cancellationToken, int port = 0)
    {
        var process = Peer.Start(Binary, ["--config", directory["exporter.yml"], "--addr", $"127.0.0.1:{port}", "--store", store]);
        var line = await process.Says("listening on ", cancellationToken);
        return new Replica(process, new Uri(line.Split("listening on ")[1].Split(',')[0].TrimEnd('"')));
    }

    /// <summary>A line of the kernel's status of the process: <c>VmRSS</c> is its resident memory in KiB, <c>VmHWM</c> the most so far.</summary>
    public long Status(string name) => long.Parse(File.ReadLines($"/proc/{ProcessId}/status")
        .First(line => line.StartsWith($"{name}:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]);

    /// <summary>Waits until the replica can serve its pages.</summary>
    public async Task BecomesReadyAsync(CancellationToken cancellationToken)
    {
        while (!(await Http.GetAsync("/-/ready", cancellationToken)).IsSuccessStatusCode)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>The lines of the metrics page; none while the replica is not ready.</summary>
    public async Task<string[]> ScrapeAsync(CancellationToken cancellationToken, string path = "/metrics")
    {
        using var response = await Http.GetAsync(path, cancellationToken);
        if (response.StatusCode is HttpStatusCode.ServiceUnavailable)
        {
            return [];
        }
        return (await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellationToken)).Split('\n');
    }

    public Task Signal(string signal, CancellationToken cancellationToken) => process.Signal(signal, cancellationToken);

    public Task<int> Ends(CancellationToken cancellationToken) => process.Ends(cancellationToken);

    public Task<string> Says(string text, CancellationToken cancellationToken) => process.Says(text, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await process.DisposeAsync();
    }
}
