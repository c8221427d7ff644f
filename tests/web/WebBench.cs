using System.Collections.Concurrent;
using System.Net;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Accounts;
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
/// The web side as <c>serve</c> builds it, on a free port, with the sandbox for a provider and a browser that follows no redirect. Its clock
/// stands still unless it is given another.
/// </summary>
internal sealed class WebBench : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly TemporaryDirectory directory = new();
    private readonly ILoggerFactory logging;
    private readonly ConcurrentQueue<string> log = new();
    private WebApplication? app;
    private Task running = Task.CompletedTask;

    private WebBench(TimeProvider time, SandboxServer sandbox, LogLevel level)
    {
        (Time, Sandbox) = (time, sandbox);
        logging = LogfmtLogger.CreateFactory(level, TextWriter.Synchronized(new Lines(log)));
        Http = Visitor();
    }

    public TimeProvider Time { get; }

    public ManualTime Clock => (ManualTime)Time;

    public SandboxServer Sandbox { get; }

    public TemporaryDirectory DirectoryPath => directory;

    public IReadOnlyList<Account> Accounts { get; private set; } = [];

    public Account Account => Accounts[0];

    /// <summary>Of the first listener: the admin's where there is one.</summary>
    public Uri Address => new(app!.Urls.First());

    public IReadOnlyList<Uri> Addresses => [.. app!.Urls.Select(url => new Uri(url))];

    public WebApplication App => app!;

    /// <summary>Has cookies, and follows no redirect.</summary>
    public HttpClient Http { get; }

    /// <summary>Every line, by default at every level.</summary>
    public string Log => string.Join('\n', log);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="flags">Of the web side and of the account, as on a command line: name, value.</param>
    /// <param name="names">Accounts of a configuration file; without them one by flags.</param>
    /// <param name="more">Accounts of another kind, opened by the test.</param>
    public static async Task<WebBench> StartAsync(
        IEnumerable<(string Flag, string Value)>? flags = null, IReadOnlyList<string>? names = null, TimeProvider? time = null,
        Func<WebBench, IReadOnlyList<Account>>? more = null, NetatmoProviderOptions? provider = null, string? webConfig = null, bool loggedIn = false,
        IEnumerable<(string Name, string Content)>? files = null, LogLevel log = LogLevel.Trace)
    {
        var clock = time ?? new ManualTime();
        var bench = new WebBench(clock, await SandboxServer.StartAsync(new SandboxOptions { Time = clock, Providers = [provider ?? new NetatmoProviderOptions()] }, Cancellation), log);
        foreach (var (name, content) in files ?? [])
        {
            bench.DirectoryPath.Write(name, content);
        }
        try
        {
            await bench.OpenAsync(flags ?? [], names, more, webConfig, loggedIn);
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    /// <summary>Another browser.</summary>
    public static HttpClient Visitor() => new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public Task<Reply> Get(string path, params (string Name, string Value)[] headers) => Send(Http, new HttpRequestMessage(HttpMethod.Get, new Uri(Address, path)), headers);

    public Task<Reply> Post(string path, IEnumerable<(string Name, string Value)> form, params (string Name, string Value)[] headers) =>
        Send(Http, new HttpRequestMessage(HttpMethod.Post, new Uri(Address, path)) { Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))) }, headers);

    /// <summary>Fills in the form on a page as a person does: what is hidden in it goes along.</summary>
    public async Task<Reply> Submit(string page, string action, params (string Name, string Value)[] fields)
    {
        var form = (await Get(page)).Form(action);
        return await Post(new Uri(new Uri(Address, page), action).PathAndQuery, form.Where(f => fields.All(g => g.Name != f.Name)).Concat(fields));
    }

    public static async Task<Reply> Send(HttpClient http, HttpRequestMessage request, params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        using (request)
        {
            using var response = await http.SendAsync(request, Cancellation);
            return new Reply(response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation), response.Headers.Location?.OriginalString,
                response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase));
        }
    }

    /// <summary>Begins the login in this browser and lets the person decide at the provider; where the provider sends the browser.</summary>
    public async Task<string> ConsentAsync(string begin = "/auth/authorize", string decision = "accept", HttpClient? browser = null)
    {
        var at = new Uri(Address, begin);
        var provider = await Send(browser ?? Http, new HttpRequestMessage(HttpMethod.Get, at));
        return await ConsentAtAsync(provider.Location!, decision);
    }

    /// <summary>The person's part, at the provider.</summary>
    public async Task<string> ConsentAtAsync(string authorize, string decision = "accept")
    {
        using var person = Visitor();
        var page = await Send(person, new HttpRequestMessage(HttpMethod.Get, authorize));
        if (page.Location is { } back)
        {
            return back;
        }
        var number = page.Body.Split("name=\"consent\" value=\"")[1].Split('"')[0];
        var decided = await Send(person, new HttpRequestMessage(HttpMethod.Post, new Uri(Sandbox.Address, "/oauth2/authorize"))
        {
            Content = new FormUrlEncodedContent([KeyValuePair.Create("consent", number), KeyValuePair.Create("decision", decision)]),
        });
        return decided.Location!;
    }

    /// <summary>Lets the accounts be read and renewed, as <c>serve</c> does.</summary>
    public void Run() => running = Task.WhenAll(Accounts.Select(a => a.RunAsync(ending.Token)));

    /// <summary>Until an account's feed or token manager says so.</summary>
    public async Task UntilAsync(Func<bool> reached)
    {
        while (!reached())
        {
            await Task.WhenAny([.. Accounts.Select(a => a.TokenManager.Changed), .. Accounts.Select(a => a.Feed?.Changed).OfType<Task>(), Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation)]);
            Cancellation.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await running;
        if (app is not null)
        {
            await app.DisposeAsync();
        }
        foreach (var account in Accounts)
        {
            account.Dispose();
        }
        await Sandbox.DisposeAsync();
        Http.Dispose();
        logging.Dispose();
        directory.Dispose();
        ending.Dispose();
    }

    private async Task OpenAsync(
        IEnumerable<(string Flag, string Value)> flags, IReadOnlyList<string>? names, Func<WebBench, IReadOnlyList<Account>>? more, string? webConfig, bool loggedIn)
    {
        var source = new NetatmoSource();
        var given = new Dictionary<string, List<string>>();
        if (flags.All(f => f.Flag is not ("--addr" or "--web.listen-address")))
        {
            given["--addr"] = ["127.0.0.1:0"];
        }
        if (webConfig is not null)
        {
            given["--web.config.file"] = [directory.Write("web.yml", webConfig)];
        }
        string Token() => loggedIn ? $$"""{"refresh_token":"{{Sandbox.Netatmo.Login().RefreshToken}}"}""" : "";
        if (names is null)
        {
            var file = loggedIn ? directory.Write("token.json", Token()) : directory["token.json"];
            foreach (var (flag, value) in new[] { ("--api-url", Sandbox.Address.OriginalString), ("--client-id", Sandbox.Netatmo.ClientId), ("--client-secret", Sandbox.Netatmo.ClientSecret), ("--token-file", file) })
            {
                given[flag] = [value];
            }
        }
        else
        {
            given["--config"] = [directory.Write("exporter.yml", "accounts:\n" + string.Concat(names.Select(name => $"""
                  "{name}":
                    source: netatmo
                    client_id: {Sandbox.Netatmo.ClientId}
                    client_secret: {Sandbox.Netatmo.ClientSecret}
                    token_file: "token-{names.ToList().IndexOf(name)}.json"
                    api_url: {Sandbox.Address}

                """)))];
        }
        foreach (var flag in flags.GroupBy(f => f.Flag))
        {
            given[flag.Key] = [.. flag.Select(f => f.Value)];
        }
        Setting[] settings = [Configuration.ConfigFile, .. WebOptions.Settings, .. source.Settings.All];
        var configuration = Configuration.Load(WebOptions.Settings, [source.Settings],
            given.ToDictionary(g => Setting.WithFiles(settings).First(s => s.Flag == g.Key), g => (IReadOnlyList<string>)g.Value), new Dictionary<string, string>(), directory.Path);
        var options = WebOptions.Read(configuration.Program);
        var planned = PlannedAccount.All(configuration, [source]);
        Assert.Equal([], configuration.Problems.Select(p => p.ToString()));
        Accounts = [.. planned.Select(p => p.Open(new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(Time) }, Time, logging)), .. more?.Invoke(this) ?? []];
        app = Build(options);
        foreach (var account in Accounts)
        {
            await account.TokenManager.LoadAsync(Cancellation);
        }
        await app.StartAsync(Cancellation);
        Sandbox.Netatmo.RegisterRedirectUri($"{new Uri(app.Urls.First()).GetLeftPart(UriPartial.Authority)}/auth/callback");
        if (loggedIn && names is null)
        {
            await Account.TokenManager.RenewAsync(null, Cancellation);
        }
    }

    /// <summary>The web side alone: nothing reads or renews the accounts before <see cref="Run"/>.</summary>
    private WebApplication Build(WebOptions options)
    {
        var builder = WebServer.CreateBuilder(options);
        builder.Services.AddSingleton(Time).AddSingleton(Accounts).AddSingleton(new MetricsCache(Accounts, new ApiMetrics(), Time));
        builder.Services.Replace(ServiceDescriptor.Singleton(logging)).Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        var built = builder.Build();
        built.MapExporter();
        return built;
    }

    /// <summary>Whatever is written, and however, a line at a time.</summary>
    private sealed class Lines(ConcurrentQueue<string> lines) : TextWriter
    {
        private readonly System.Text.StringBuilder line = new();

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value)
        {
            if (value != '\n')
            {
                line.Append(value);
                return;
            }
            lines.Enqueue(line.ToString());
            line.Clear();
        }
    }
}

/// <summary>An answer, whole.</summary>
internal sealed record Reply(HttpStatusCode Status, string Body, string? Location, IReadOnlyDictionary<string, string> Headers)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The title of a page that says one thing.</summary>
    public string Title => WebUtility.HtmlDecode(Body.Split("<h1>")[1].Split("</h1>")[0]);

    /// <summary>The hidden fields of the form with that action.</summary>
    public IReadOnlyList<(string Name, string Value)> Form(string action)
    {
        var form = Body.Split($"action=\"{action}\"")[1].Split("</form>")[0];
        return [.. form.Split("<input type=\"hidden\" name=\"").Skip(1).Select(f => (f.Split('"')[0], WebUtility.HtmlDecode(f.Split("value=\"")[1].Split('"')[0])))];
    }
}
