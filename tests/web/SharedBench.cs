using System.Net;
using System.Security.Cryptography;
using System.Text;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>
/// Replicas of the web server with shared accounts, on free ports, with the sandbox as their provider. Rows are in memory, and tokens in files
/// that all replicas use. Its clock advances only by the test.
/// </summary>
internal sealed class SharedBench : IAsyncDisposable
{
    /// <summary>Keys of the API, by what they permit.</summary>
    public const string Reader = "reader-key", Writer = "writer-key", Tokens = "tokens-key", Everything = "every-key", OfFleet = "fleet-key";

    private readonly TemporaryDirectory directory = new();
    private readonly List<Replica> replicas = [];

    private SharedBench(SandboxServer sandbox) => (Sandbox, Rows) = (sandbox, new MemoryRows(Clock));

    public ManualTime Clock { get; } = new();

    public SandboxServer Sandbox { get; }

    public MemoryRows Rows { get; }

    public CollectedLog Log { get; } = new();

    public TemporaryDirectory DirectoryPath => directory;

    /// <summary>The first replica.</summary>
    public Replica First => replicas[0];

    public Replica Second => replicas[1];

    /// <summary>Accepts cookies for both replicas, as behind one proxy, and follows no redirect.</summary>
    public HttpClient Browser { get; } = WebBench.NewBrowser();

    public string KeysFile => directory["keys.yml"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static string Keys { get; } = $"""
        keys:
        {Entry("reader", Reader, "accounts:read")}
        {Entry("writer", Writer, "accounts:write")}
        {Entry("tokens", Tokens, "tokens:read")}
        {Entry("all", Everything, "accounts:read, accounts:write, tokens:read")}
        {Entry("fleet", OfFleet, "accounts:read, accounts:write, tokens:read")}
            templates: [fleet]

        """;

    /// <param name="flags">Flags of the web server.</param>
    /// <param name="keys">The file of API keys; null for none.</param>
    public static async Task<SharedBench> StartAsync(
        IEnumerable<(string Flag, string Value)>? flags = null, string? keys = "", string? webConfig = null, int replicas = 1)
    {
        var bench = new SharedBench(await SandboxServer.StartAsync(
            new SandboxOptions { Providers = [new NetatmoProviderOptions()] }, Cancellation));
        try
        {
            var key = new SharedKey(RandomNumberGenerator.GetBytes(32));
            for (var i = 0; i < replicas; i++)
            {
                await bench.AddReplicaAsync(flags ?? [], keys is null ? null : keys.Length == 0 ? Keys : keys, webConfig, key);
            }
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    public static string Entry(string name, string key, string scopes) => $"""
          - name: {name}
            sha256: {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}
            scopes: [{scopes}]
        """;

    public Task<Reply> Get(string path, params (string Name, string Value)[] headers) => First.Get(path, headers);

    /// <summary>A request of a program.</summary>
    public async Task<Reply> Send(
        HttpMethod method, string path, string? key = Everything, string? body = null, string type = "application/json",
        params (string Name, string Value)[] headers)
    {
        using var client = WebBench.NewBrowser();
        var request = new HttpRequestMessage(method, new Uri(First.Address, path));
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        }
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        return await WebBench.Send(client, request, headers);
    }

    public string NewLogin() => Sandbox.Netatmo.Login().RefreshToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in replicas)
        {
            await replica.App.DisposeAsync();
            foreach (var account in replica.Accounts.Opened)
            {
                account.Dispose();
            }
        }
        await Sandbox.DisposeAsync();
        Browser.Dispose();
        directory.Dispose();
    }

    private async Task AddReplicaAsync(IEnumerable<(string Flag, string Value)> flags, string? keys, string? webConfig, SharedKey key)
    {
        var values = new Dictionary<Setting, IReadOnlyList<string>>();
        Setting[] settings = [StateDirectory.Setting, .. WebOptions.Settings, .. ApiOptions.Settings];
        foreach (var flag in flags.Prepend(("--state-folder", directory["none"])).GroupBy(f => f.Item1))
        {
            values[settings.Single(s => s.Flag == flag.Key)] = [.. flag.Select(f => f.Item2)];
        }
        values.TryAdd(WebOptions.AddressSetting, ["127.0.0.1:0"]);
        if (keys is not null)
        {
            values[ApiOptions.KeysFileSetting] = [directory.Write("keys.yml", keys)];
        }
        if (webConfig is not null)
        {
            values[WebOptions.ConfigFileSetting] = [directory.Write("web.yml", webConfig)];
        }
        var configuration = Configuration.Load(
            [.. WebOptions.Settings, .. ApiOptions.Settings], [], values, new Dictionary<string, string>(), directory.Path);
        var (options, api) = (WebOptions.Read(configuration.Program), ApiOptions.Read(configuration.Program));
        Assert.Equal([], configuration.Problems.Where(p => p.Place != "accounts").Select(p => p.ToString()).Where(p => p.Contains("web", StringComparison.Ordinal)));
        var accounts = new MemoryAccounts(Rows, Clock, OpenAsync);
        var builder = WebServer.CreateBuilder(options);
        builder.Services.AddSingleton<TimeProvider>(Clock).AddSingleton(new AccountList([])).AddSingleton<ISharedAccounts>(accounts);
        builder.Services.AddSingleton(new MetricsCache(new([]), new ApiMetrics(), Clock));
        builder.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(Log))
            .Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        builder.Services.AddSharedAccounts(key, api);
        var app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers[WebBench.RemoteAddress] is [{ } address])
            {
                context.Connection.RemoteIpAddress = IPAddress.Parse(address);
            }
            return next(context);
        });
        app.MapExporter();
        await app.StartAsync(Cancellation);
        var replica = new Replica(app, accounts, this);
        Sandbox.Netatmo.RegisterRedirectUri($"{replica.Address.GetLeftPart(UriPartial.Authority)}/auth/callback");
        replicas.Add(replica);
    }

    /// <summary>The account with its token in a file, which stands for its row.</summary>
    private async Task<Account> OpenAsync(MemoryRow row)
    {
        var (source, name) = (new NetatmoSource(), row.Account.Name);
        var file = $"token-{name}.json";
        if (row.Account.RefreshToken is { } token && !File.Exists(directory[file]))
        {
            directory.Write(file, $$"""{"refresh_token":"{{token.Reveal()}}"}""");
        }
        var path = directory.Write($"account-{name}.yml", $"""
            accounts:
              "{name}":
                source: netatmo
                client_id: {Sandbox.Netatmo.ClientId}
                client_secret: {Sandbox.Netatmo.ClientSecret}
                token_file: "{file}"
                api_url: {Sandbox.Address}
            """);
        var configuration = Configuration.Load(
            [], [source.Settings], new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [path] },
            new Dictionary<string, string>(), directory.Path);
        var planned = ConfiguredAccount.All(configuration, [source]);
        Assert.Equal([], configuration.Problems.Select(p => p.ToString()));
        var account = planned.Single().Open(new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(Clock) }, Clock, Log);
        await account.LoadAsync(isProgramStart: true, Cancellation);
        return account;
    }

    /// <summary>One web server.</summary>
    internal sealed record Replica(WebApplication App, MemoryAccounts Accounts, SharedBench Bench)
    {
        public Uri Address => new(App.Urls.First());

        public Task<Reply> Get(string path, params (string Name, string Value)[] headers) =>
            WebBench.Send(Bench.Browser, new HttpRequestMessage(HttpMethod.Get, new Uri(Address, path)), headers);

        public Task<Reply> Post(string path, IEnumerable<(string Name, string Value)> form) =>
            WebBench.Send(Bench.Browser, new HttpRequestMessage(HttpMethod.Post, new Uri(Address, path))
            {
                Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
            });
    }
}
