using Exporter.Accounts;
using Exporter.Http;
using Exporter.Sandbox;
using Exporter.Tests.Cmd;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>
/// Depot and the APIs with saved answers, and a directory with the module files of <c>testdata</c>. The manual clock is that of the sandbox too,
/// unless the real program runs.
/// </summary>
internal sealed class HttpBench : InProcessCommands
{
    /// <summary>Answers of Depot's API for one reading: a page of sites, three of zones, four of sensors, three of jobs and two of energy.</summary>
    public const int RequestsOfAReading = 13;

    private static readonly string[] Api = ["sites", "zones", "sensors", "stock", "jobs", "query", "public", "meters"];
    private static readonly string Testdata = Path.Combine(Golden.Root, "sources/http/testdata");

    private readonly CancellationTokenSource stopping = new();
    private Account? account;
    private Task running = Task.CompletedTask;

    private HttpBench(SandboxServer sandbox, ManualTime time)
        : base(time) => Sandbox = sandbox;

    public SandboxServer Sandbox { get; }

    public HttpProvider Http => Sandbox.Http;

    public CollectedLog Log { get; } = new();

    /// <summary>The account that runs in this process.</summary>
    public Account Account => account ?? throw new InvalidOperationException("no account runs yet");

    public ReadingStatus Status => Account.ReadingSource!.Collect(Time.GetUtcNow()).Status!;

    /// <summary>Requests to Depot's API so far.</summary>
    public int Requests => Api.Sum(name => Http.Endpoint(name).Requests);

    /// <summary>The address of Depot's API for the settings of an account.</summary>
    public string ApiUrl => $"{Sandbox.Address.OriginalString}/depot/v1";

    /// <summary>The directory of the files.</summary>
    public string Home => Path.GetDirectoryName(this["exporter.yml"])!;

    public string Issuer => $"{Sandbox.Address.OriginalString}/depot/oauth";

    /// <summary>For tests in this process.</summary>
    public static Task<HttpBench> StartAsync(HttpProviderOptions? options = null, Action<string>? log = null) =>
        StartAsync(new ManualTime(), time => time, options, log);

    /// <summary>For tests with the real program.</summary>
    public static Task<HttpBench> StartForProgramAsync(HttpProviderOptions? options = null, Action<string>? log = null) =>
        StartAsync(new ManualTime(), _ => TimeProvider.System, options, log);

    /// <summary>The path of a module in <c>testdata</c>.</summary>
    public static string Original(string module) => Path.Combine(Testdata, module);

    /// <summary>Copies a module of <c>testdata</c>, with the sandbox's address and changes.</summary>
    public void WriteModule(string module, params (string From, string To)[] changes) => WriteModuleAs(module, module, changes);

    public void WriteModuleAs(string file, string module, params (string From, string To)[] changes)
    {
        var text = File.ReadAllText(Original(module)).Replace("http://127.0.0.1:9300", Sandbox.Address.OriginalString, StringComparison.Ordinal);
        foreach (var (from, to) in changes)
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            text = text.Replace(from, to, StringComparison.Ordinal);
        }
        Write(file, text);
    }

    /// <summary>Replaces the configuration.</summary>
    public void ConfigureOnly(params string[] accounts) =>
        Write("exporter.yml", $"state_folder: {this["state"]}\naccounts:\n{string.Join("", accounts)}");

    /// <summary>An account of Depot's service with client credentials.</summary>
    public static string Service(string name = "depot", string module = "depot.yml") => $"""
          {name}:
            source: http
            module_file: {module}
            client_id: {HttpProvider.ServiceClientId}
            client_secret: "{HttpProvider.ServiceClientSecret}"
            token_file: {name}-token.json

        """;

    /// <summary>An account of Depot's app, whose token file has only a refresh token.</summary>
    public string App(string name = "depot", string module = "depot.yml")
    {
        Write($"{name}-token.json", $$"""{"refresh_token":"{{Http.Login().RefreshToken}}"}""");
        return $"""
              {name}:
                source: http
                module_file: {module}
                grant: refresh_token
                client_id: {HttpProvider.AppClientId}
                token_file: {name}-token.json

            """;
    }

    /// <summary>An account with further settings, each on a line.</summary>
    public static string Of(string name, string module, params string[] settings) =>
        $"  {name}:\n    source: http\n    module_file: {module}\n{string.Concat(settings.Select(line => $"    {line}\n"))}";

    public Task<RunningExporter> RunProgramAsync(params string[] more) =>
        RunningExporter.StartAsync(["--config", this["exporter.yml"], "-a", "127.0.0.1:0", .. more], Cancellation);

    public static Task<(int ExitCode, string Output, string Error)> RunRealAsync(params string[] arguments) =>
        RunningExporter.RunAsync(arguments, Cancellation);

    public Task<(int ExitCode, string Output, string Error)> CheckAsync() => RunRealAsync("check", "--config", this["exporter.yml"]);

    /// <summary>Opens the only account in this process, and starts its readings.</summary>
    public async Task OpenAsync()
    {
        var configuration = Configuration.Load(
            [], [new HttpSource().Settings], new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [this["exporter.yml"]] },
            new Dictionary<string, string>(), Home);
        var accounts = ConfiguredAccount.All(configuration, [new HttpSource()]);
        Assert.Empty(configuration.Problems);
        account = Assert.Single(accounts)
            .Open(new TokenManagerOptions { Random = new Random(1), RenewalRateLimiter = new RenewalRateLimiter(Time) }, Time, Log);
        await account.LoadAsync(isProgramStart: true, Cancellation);
        await VisitAsync();
        running = account.RunAsync(stopping.Token);
        await PassTryAsync(before: 0);
    }

    /// <summary>Advances the clock to the next try, and waits for its end.</summary>
    public async Task<ReadingStatus> NextAsync()
    {
        var before = Status;
        // Then the poller waits, and nothing else does.
        while (Time.Waiting == 0)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        Time.Advance(before.NextTry!.Value - Time.GetUtcNow() - TimeSpan.FromMilliseconds(1));
        await VisitAsync();
        Assert.True(before.Failure is ApiFailure.NoToken || Status.Tries == before.Tries, "the request was too early");
        Time.Advance(TimeSpan.FromMilliseconds(2));
        await PassTryAsync((int)before.Tries);
        return Status;
    }

    /// <summary>The account's metrics, a line for each series.</summary>
    public IReadOnlyList<string> Series() =>
        [.. from family in Account.ReadingSource!.Collect(Time.GetUtcNow()).Families
            from sample in family.Samples
            select $"{family.Name}{sample.Labels} {FormulaValue.Text(sample.Value)}"];

    public override async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running;
        account?.Dispose();
        stopping.Dispose();
        await Sandbox.DisposeAsync();
        await base.DisposeAsync();
    }

    private static async Task<HttpBench> StartAsync(
        ManualTime time, Func<ManualTime, TimeProvider> clock, HttpProviderOptions? options, Action<string>? log)
    {
        string[] recipes = [Path.Combine(Testdata, "recipes"), Path.Combine(Golden.Root, "sandbox/testdata/recipes")];
        return new HttpBench(
            await SandboxServer.StartAsync(
                new SandboxOptions
                {
                    Time = clock(time),
                    Log = log,
                    Providers = [(options ?? new HttpProviderOptions()) with { Recipes = [.. recipes.SelectMany(HttpRecipe.ReadAll)] }],
                }, Cancellation),
            time);
    }

    /// <summary>Renews the token if it is due, like the refresh loop.</summary>
    private Task VisitAsync() => Account.TokenManager.VisitAsync(Cancellation);

    /// <summary>Waits for the end of a try, in which no time passes.</summary>
    private async Task PassTryAsync(int before)
    {
        while (Status.Tries == before)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
