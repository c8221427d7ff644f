using System.Net;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;
using static Exporter.Tests.Support.Wait;

namespace Exporter.Tests.Web;

/// <summary><c>POST /-/reload</c> of a whole <c>serve</c> in this process.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly StringWriter log = new();
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient http = WebBench.NewBrowser();
    private SandboxServer sandbox = null!;
    private Task<int> serving = Task.FromResult(ExitCode.Done);
    private IReadOnlyList<Uri> addresses = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Log { get { lock (log) { return log.ToString(); } } }

    public async ValueTask InitializeAsync() =>
        sandbox = await SandboxServer.StartAsync(new SandboxOptions { Providers = [new NetatmoProviderOptions(), new BmwProviderOptions()] }, Cancellation);

    [Fact]
    public async Task A_reload_says_what_changed()
    {
        await ServeAsync(Station("home"));
        Configure(Station("home") + Station("flat"));

        var reply = await PostAsync();

        Assert.Equal((HttpStatusCode.OK, "The configuration was reloaded.\naccount flat added\naccounts unchanged: 1\n"), (reply.Status, reply.Body));
        Assert.Contains("level=info msg=\"the configuration was reloaded: account flat added, accounts unchanged: 1\"", Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_configuration_is_rejected_with_every_problem()
    {
        await ServeAsync(Station("home"));
        Configure(Station("home") + "  flat: {source: netatmoo, token_file: flat.json}\n  attic: {source: oauth2}\n");

        var reply = await PostAsync();

        Assert.Equal(HttpStatusCode.InternalServerError, reply.Status);
        Assert.StartsWith("The configuration was not reloaded, and nothing was changed:\n", reply.Body, StringComparison.Ordinal);
        Assert.Contains("there is no source \"netatmoo\"", reply.Body, StringComparison.Ordinal);
        Assert.Contains("need a token endpoint", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(sandbox.Netatmo.ClientSecret, reply.Body + Log, StringComparison.Ordinal);
        await ShowsAsync("\nexporter_config_last_reload_successful 0\n");
    }

    [Fact]
    public async Task Settings_of_the_program_need_a_restart()
    {
        await ServeAsync(Station("home"));
        Configure("telemetry_path: /numbers\nlog_level: debug\n", Station("home"));

        var reply = await PostAsync();

        Assert.Equal("""
            The configuration was reloaded.
            accounts unchanged: 1
            log_level changed; restart to apply it
            telemetry_path changed; restart to apply it

            """, reply.Body);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/metrics")).Status);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    public async Task A_browser_cannot_reload(string header, string value)
    {
        await ServeAsync(Station("home"));
        Configure("");

        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync("/-/reload", (header, value))).Status);
        Assert.DoesNotContain("not reloaded", Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_POST_reloads_under_any_host_name()
    {
        await ServeAsync(Station("home"));

        var get = await GetAsync("/-/reload");

        Assert.Equal((HttpStatusCode.MethodNotAllowed, "POST"), (get.Status, get.Header("Allow")));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/-/reload", ("Host", "exporter.example.org"))).Status);
    }

    [Theory]
    [InlineData("/-/reload")]
    [InlineData("/-/RELOAD")]
    [InlineData("/-/reload/")]
    public async Task With_an_admin_address_only_that_address_reloads(string path)
    {
        await ServeAsync(Station("home"), "--web.admin-address", "127.0.0.1:0");

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(HttpMethod.Post, new Uri(addresses[0], path))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(HttpMethod.Post, new Uri(addresses[1], path))).Status);
    }

    [Fact]
    public async Task A_reload_needs_the_password_of_the_web_configuration_file()
    {
        var web = directory.Write("web.yml", $"basic_auth_users:\n  me: {Bcrypt.Hash("right")}\n");
        await ServeAsync(Station("home"), "--web.config.file", web);

        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync()).Status);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(", refresh_interval: 20m", false)]
    public async Task A_login_in_progress_continues_only_if_its_account_is_unchanged(string change, bool continues)
    {
        await ServeAsync(Station("home"));
        sandbox.Netatmo.RegisterRedirectUri($"http://{addresses[0].Authority}/auth/callback");
        var provider = (await GetAsync("/auth/authorize?account=home")).Location!;
        var callback = await WebBench.ConsentAtAsync(sandbox, provider);

        // The new account is first, so that the index of the other one changes.
        Configure(Station("attic") + Station("home", change));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync()).Status);
        var reply = await SendAsync(HttpMethod.Get, new Uri(callback));

        Assert.Equal(continues, reply.Location?.StartsWith("../#account-", StringComparison.Ordinal) == true);
        Assert.Equal(continues, File.Exists(directory["home.json"]));
        if (!continues)
        {
            Assert.Equal("This login was not started here", reply.Title);
        }
    }

    [Fact]
    public async Task A_device_login_of_a_changed_account_ends()
    {
        await ServeAsync(Car(""));
        var page = await GetAsync("/");
        Assert.StartsWith("../#login-", (await WebBench.Send(http, new HttpRequestMessage(HttpMethod.Post, new Uri(addresses[0], "/auth/device"))
        {
            Content = new FormUrlEncodedContent(page.Form("auth/device").Select(field => KeyValuePair.Create(field.Name, field.Value))),
        })).Location, StringComparison.Ordinal);
        await ShowsAsync("\nexporter_login_pending{account=\"car\",source=\"bmw-cardata\"} 1\n");

        Configure(Car(", location: true"));
        Assert.Contains("account car changed", (await PostAsync()).Body, StringComparison.Ordinal);
        await UntilAsync(() => Log.Contains("a reload changed the account and ended the login", StringComparison.Ordinal));

        await ShowsAsync("\nexporter_login_pending{account=\"car\",source=\"bmw-cardata\"} 0\n");
    }

    [Fact]
    public async Task A_new_account_without_a_token_gets_a_one_time_link_in_the_log()
    {
        await ServeAsync(Station("home"));
        Configure(Station("home") + Station("flat"));

        await PostAsync();

        await UntilAsync(() => Log.Contains("account flat: a login is needed", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Done, await serving);
        await sandbox.DisposeAsync();
        http.Dispose();
        stop.Dispose();
        directory.Dispose();
    }

    /// <summary>Waits for a metrics page with the text. A scrape during an encoding gets the previous page.</summary>
    private async Task ShowsAsync(string text)
    {
        while (!(await GetAsync("/metrics")).Body.Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
    }

    private string Station(string name, string more = "") =>
        $"  {name}: {{source: netatmo, client_id: {sandbox.Netatmo.ClientId}, client_secret: {sandbox.Netatmo.ClientSecret}, "
        + $"token_file: {name}.json, api_url: \"{sandbox.Address}\"{more}}}\n";

    private string Car(string more) =>
        $"  car: {{source: bmw-cardata, client_id: {sandbox.Bmw.ClientId}, token_file: car.json, auth_url: \"{sandbox.Address}\", "
        + $"mqtt_host: 127.0.0.1, mqtt_port: 1{more}}}\n";

    private void Configure(string accounts) => Configure("", accounts);

    private void Configure(string program, string accounts) =>
        directory.Write("exporter.yml", $"state_folder: state\n{program}accounts:\n{accounts}");

    /// <summary>Serves the accounts until the end of the test.</summary>
    private async Task ServeAsync(string accounts, params string[] flags)
    {
        Configure(accounts);
        Directory.CreateDirectory(directory["state"]);
        var terminal = new Terminal(TextReader.Null, TextWriter.Null, new LockedWriter(log), IsInteractive: false, _ => false);
        var program = new CommandLine(Composition.Sources, new Dictionary<string, string>(), terminal, TimeProvider.System);
        program.AddCommands();
        serving = program.RunAsync(["--config", directory["exporter.yml"], "-a", "127.0.0.1:0", .. flags], stop.Token);
        await UntilAsync(() => serving.IsCompleted || Log.Contains("listening on ", StringComparison.Ordinal));
        Assert.False(serving.IsCompleted, Log);
        addresses = [.. Log.Split("listening on ")[1].Split('"')[0].Split(", ").Select(url => new Uri(url))];
    }

    private Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, new Uri(addresses[0], path));

    private Task<Reply> PostAsync(string path = "/-/reload", params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, new Uri(addresses[0], path), headers);

    private Task<Reply> SendAsync(HttpMethod method, Uri address, params (string Name, string Value)[] headers) =>
        WebBench.Send(http, new HttpRequestMessage(method, address), headers);

    private sealed class LockedWriter(StringWriter inner) : TextWriter
    {
        public override System.Text.Encoding Encoding => inner.Encoding;

        public override void Write(char value)
        {
            lock (inner)
            {
                inner.Write(value);
            }
        }
    }
}
