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
/// The web server as <c>serve</c> builds it, on a free port, with the sandbox as its provider and a browser that follows no redirect. Its
/// default clock advances only by the test.
/// </summary>
internal sealed class WebBench : IAsyncDisposable
{
    /// <summary>A request with this header has its value as the address of its connection.</summary>
    public const string RemoteAddress = "Test-Remote-Address";

    private readonly CancellationTokenSource stopping = new();
    private readonly TemporaryDirectory directory = new();
    private readonly ILoggerFactory logging;
    private readonly ConcurrentQueue<string> log = new();
    private WebApplication? app;
    private Task running = Task.CompletedTask;

    private WebBench(TimeProvider time, SandboxServer sandbox, LogLevel level)
    {
        (Time, Sandbox) = (time, sandbox);
        logging = LogfmtLogger.CreateFactory(level, TextWriter.Synchronized(new Lines(log)));
        Http = NewBrowser();
    }

    public TimeProvider Time { get; }

    public ManualTime Clock => (ManualTime)Time;

    public SandboxServer Sandbox { get; }

    public TemporaryDirectory DirectoryPath => directory;

    public IReadOnlyList<Account> Accounts { get; private set; } = [];

    public Account Account => Accounts[0];

    /// <summary>Where the browser goes after a login of the first account: its card on the start page.</summary>
    public string Card => CardOf(Account);

    /// <summary>The address of the first listener: the admin address, if there is one.</summary>
    public Uri Address => new(app!.Urls.First());

    public IReadOnlyList<Uri> Addresses => [.. app!.Urls.Select(url => new Uri(url))];

    public WebApplication App => app!;

    /// <summary>Accepts cookies and follows no redirect.</summary>
    public HttpClient Http { get; }

    /// <summary>The log, by default at every level.</summary>
    public string Log => string.Join('\n', log);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="flags">Flags of the web server and of the account, as on a command line.</param>
    /// <param name="names">The accounts of a configuration file; null for one account by flags.</param>
    /// <param name="more">Additional accounts, opened by the test.</param>
    /// <param name="mayReplace">Whether clients on this machine may replace logins.</param>
    public static async Task<WebBench> StartAsync(
        IEnumerable<(string Flag, string Value)>? flags = null, IReadOnlyList<string>? names = null, TimeProvider? time = null,
        Func<WebBench, IReadOnlyList<Account>>? more = null, NetatmoProviderOptions? provider = null, string? webConfig = null, bool loggedIn = false,
        IEnumerable<(string Name, string Content)>? files = null, LogLevel log = LogLevel.Trace,
        bool mayReplace = true)
    {
        var clock = time ?? new ManualTime();
        var sandbox = new SandboxOptions { Time = clock, Providers = [provider ?? new NetatmoProviderOptions()] };
        var bench = new WebBench(clock, await SandboxServer.StartAsync(sandbox, Cancellation), log);
        foreach (var (name, content) in files ?? [])
        {
            bench.DirectoryPath.Write(name, content);
        }
        try
        {
            (string, string)[] local = [("--web.allow-login-from", "127.0.0.0/8"), ("--web.allow-login-from", "::1/128")];
            await bench.OpenAsync([.. flags ?? [], .. mayReplace ? local : []], names, more, webConfig, loggedIn);
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    public static string CardOf(Account account) => $"../#{AccountKey.CardOf(account)}";

    /// <summary>A browser without cookies.</summary>
    public static HttpClient NewBrowser() => new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public Task<Reply> Get(string path, params (string Name, string Value)[] headers) =>
        Send(Http, new HttpRequestMessage(HttpMethod.Get, new Uri(Address, path)), headers);

    public Task<Reply> Post(string path, IEnumerable<(string Name, string Value)> form, params (string Name, string Value)[] headers) =>
        Send(Http, new HttpRequestMessage(HttpMethod.Post, new Uri(Address, path))
        {
            Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
        }, headers);

    /// <summary>Fills in the form on a page and submits it with its hidden fields.</summary>
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
            var all = response.Headers.Concat(response.Content.Headers)
                .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
            var body = await response.Content.ReadAsStringAsync(Cancellation);
            return new Reply(response.StatusCode, body, response.Headers.Location?.OriginalString, all);
        }
    }

    /// <summary>Starts the login in this browser and decides at the provider. Returns the address that the provider redirects to.</summary>
    public async Task<string> ConsentAsync(string start = "/auth/authorize", string decision = "accept", HttpClient? browser = null)
    {
        var provider = await Send(browser ?? Http, new HttpRequestMessage(HttpMethod.Get, new Uri(Address, start)));
        return await ConsentAtAsync(provider.Location!, decision);
    }

    /// <summary>The user's decision at the provider.</summary>
    public Task<string> ConsentAtAsync(string authorize, string decision = "accept") => ConsentAtAsync(Sandbox, authorize, decision);

    public static async Task<string> ConsentAtAsync(SandboxServer sandbox, string authorize, string decision = "accept")
    {
        using var user = NewBrowser();
        var page = await Send(user, new HttpRequestMessage(HttpMethod.Get, authorize));
        if (page.Location is { } location)
        {
            return location;
        }
        var number = page.Body.Split("name=\"consent\" value=\"")[1].Split('"')[0];
        var decided = await Send(user, new HttpRequestMessage(HttpMethod.Post, new Uri(sandbox.Address, "/oauth2/authorize"))
        {
            Content = new FormUrlEncodedContent([KeyValuePair.Create("consent", number), KeyValuePair.Create("decision", decision)]),
        });
        return decided.Location!;
    }

    /// <summary>Starts to read the accounts and to renew their tokens, as <c>serve</c> does.</summary>
    public void Run() => running = Task.WhenAll(Accounts.Select(a => a.RunAsync(stopping.Token)));

    /// <summary>Waits until the condition is true, and checks it at each change of an account.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            var delay = Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
            await Task.WhenAny([.. Accounts.Select(a => a.TokenManager.Changed), .. Accounts.Select(a => a.ReadingSource?.Changed).OfType<Task>(), delay]);
            Cancellation.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
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
        stopping.Dispose();
    }

    private async Task OpenAsync(
        IEnumerable<(string Flag, string Value)> flags, IReadOnlyList<string>? names, Func<WebBench, IReadOnlyList<Account>>? more,
        string? webConfig, bool loggedIn)
    {
        var source = new NetatmoSource();
        var values = new Dictionary<string, List<string>>();
        if (flags.All(f => f.Flag is not ("--addr" or "--web.listen-address")))
        {
            values["--addr"] = ["127.0.0.1:0"];
        }
        values["--state-folder"] = [directory["state"]];
        if (webConfig is not null)
        {
            values["--web.config.file"] = [directory.Write("web.yml", webConfig)];
        }
        string Token() => loggedIn ? $$"""{"refresh_token":"{{Sandbox.Netatmo.Login().RefreshToken}}"}""" : "";
        if (names is null)
        {
            var file = loggedIn ? directory.Write("token.json", Token()) : directory["token.json"];
            values["--api-url"] = [Sandbox.Address.OriginalString];
            values["--client-id"] = [Sandbox.Netatmo.ClientId];
            values["--client-secret"] = [Sandbox.Netatmo.ClientSecret];
            values["--token-file"] = [file];
        }
        else
        {
            values["--config"] = [directory.Write("exporter.yml", "accounts:\n" + string.Concat(names.Select(name => $"""
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
            values[flag.Key] = [.. flag.Select(f => f.Value)];
        }
        Setting[] settings = [Configuration.ConfigFile, StateDirectory.Setting, .. WebOptions.Settings, .. source.Settings.All];
        var configuration = Configuration.Load(WebOptions.Settings, [source.Settings],
            values.ToDictionary(v => Setting.WithFiles(settings).First(s => s.Flag == v.Key), v => (IReadOnlyList<string>)v.Value),
            new Dictionary<string, string>(), directory.Path);
        var options = WebOptions.Read(configuration.Program);
        var planned = ConfiguredAccount.All(configuration, [source]);
        Assert.Equal([], configuration.Problems.Select(p => p.ToString()));
        Accounts = [.. planned.Select(Open), .. more?.Invoke(this) ?? []];
        app = Build(options);
        foreach (var account in Accounts)
        {
            await account.TokenManager.LoadAsync(Cancellation);
        }
        // The service that logs a link would otherwise create the key while a short test removes its directory.
        LoginLink.Create(directory["state"], "http://localhost", "unknown", Time);
        await app.StartAsync(Cancellation);
        Sandbox.Netatmo.RegisterRedirectUri($"{new Uri(app.Urls.First()).GetLeftPart(UriPartial.Authority)}/auth/callback");
        if (loggedIn && names is null)
        {
            await Account.TokenManager.RenewAsync(null, Cancellation);
        }

        Account Open(ConfiguredAccount account) =>
            account.Open(new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(Time) }, Time, logging);
    }

    /// <summary>Builds the web server only: nothing reads the accounts or renews their tokens before <see cref="Run"/>.</summary>
    private WebApplication Build(WebOptions options)
    {
        var builder = WebServer.CreateBuilder(options);
        builder.Services.AddSingleton(Time).AddSingleton(new AccountList(Accounts)).AddSingleton(new MetricsCache(new(Accounts), new ApiMetrics(), Time));
        builder.Services.Replace(ServiceDescriptor.Singleton(logging)).Replace(ServiceDescriptor.Singleton<IHostLifetime, ShutdownSignals.HostLifetime>());
        var built = builder.Build();
        built.Use((context, next) =>
        {
            if (context.Request.Headers[RemoteAddress] is [{ } address])
            {
                context.Connection.RemoteIpAddress = IPAddress.Parse(address);
            }
            return next(context);
        });
        built.MapExporter();
        return built;
    }

    /// <summary>Collects the written text by line.</summary>
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

/// <summary>A complete response.</summary>
internal sealed record Reply(HttpStatusCode Status, string Body, string? Location, IReadOnlyDictionary<string, string> Headers)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The title of a page with one message.</summary>
    public string Title => WebUtility.HtmlDecode(Body.Split("<h1>")[1].Split("</h1>")[0]);

    /// <summary>The hidden fields of the form with this action.</summary>
    public IReadOnlyList<(string Name, string Value)> Form(string action)
    {
        var form = Body.Split($"action=\"{action}\"")[1].Split("</form>")[0];
        return [.. form.Split("<input type=\"hidden\" name=\"").Skip(1)
            .Select(f => (f.Split('"')[0], WebUtility.HtmlDecode(f.Split("value=\"")[1].Split('"')[0])))];
    }
}
