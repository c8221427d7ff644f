using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>
/// An account of one provider of the sandbox, with everything that the dashboard of its source shows. The tests use each class with a
/// parameterless constructor, so that a source can add its own.
/// </summary>
internal interface IExampleAccount
{
    /// <summary>Whether the account polls. Otherwise its first reading follows <see cref="SendAsync"/>.</summary>
    bool Reads => true;

    /// <summary>The options of the provider. Null for the default options.</summary>
    ProviderOptions? Provider => null;

    /// <summary>Prepares the provider and the files of the account.</summary>
    /// <returns>The account for the configuration file, which starts with its name.</returns>
    string Configure(SandboxServer sandbox, TemporaryDirectory directory);

    /// <summary>Lets the provider send its messages.</summary>
    Task SendAsync(SandboxServer sandbox, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A series that appears last. Null if the first reading brings all series.</summary>
    string? LastSeries => null;
}

/// <summary>The real program with every example account of the sandbox, and a real Prometheus that scrapes it every second.</summary>
internal sealed class ExampleAccounts : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly List<IAsyncDisposable> running = [];

    private ExampleAccounts() { }

    /// <summary>One account of each source.</summary>
    public static IReadOnlyList<IExampleAccount> All =>
    [
        .. typeof(ExampleAccounts).Assembly.GetTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(IExampleAccount)))
            .Select(type => (IExampleAccount)Activator.CreateInstance(type)!),
    ];

    public PrometheusPeer Prometheus { get; private set; } = null!;

    public static async Task<ExampleAccounts> StartAsync(CancellationToken cancellationToken)
    {
        var bench = new ExampleAccounts();
        try
        {
            await bench.RunAsync(cancellationToken);
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
        directory.Dispose();
    }

    /// <summary>Prepares the providers and files of the accounts, and returns the configuration file.</summary>
    public static string Configure(IReadOnlyList<IExampleAccount> accounts, SandboxServer sandbox, TemporaryDirectory directory) =>
        $"state_folder: state\naccounts:\n{string.Concat(
            accounts.SelectMany(account => account.Configure(sandbox, directory).TrimEnd().Split('\n')).Select(line => $"  {line}\n"))}";

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var accounts = All;
        var options = new SandboxOptions { Providers = [.. accounts.Select(account => account.Provider).OfType<ProviderOptions>()] };
        var sandbox = await SandboxServer.StartAsync(options, cancellationToken);
        running.Add(sandbox);
        var file = directory.Write("exporter.yml", Configure(accounts, sandbox, directory));
        var exporter = await RunningExporter.StartAsync(["--config", file, "-a", "127.0.0.1:0"], cancellationToken);
        running.Add(exporter);
        await ReadAsync(exporter, accounts.Count(account => account.Reads), cancellationToken);
        foreach (var account in accounts)
        {
            await account.SendAsync(sandbox, cancellationToken);
        }
        Prometheus = await PrometheusPeer.StartAsync(directory, exporter.Http.BaseAddress!.Authority, cancellationToken);
        running.Add(Prometheus);
        foreach (var series in accounts.Select(account => account.LastSeries).OfType<string>())
        {
            await Prometheus.ValuesAsync(series, cancellationToken);
        }
    }

    /// <summary>Waits for the first reading of this number of accounts.</summary>
    public static async Task ReadAsync(RunningExporter exporter, int accounts, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            for (var account = 0; account < accounts; account++)
            {
                await exporter.Says("first reading succeeded", linked.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Assert.Fail($"not every account was read within a minute:\n{exporter.Log}");
        }
    }
}
