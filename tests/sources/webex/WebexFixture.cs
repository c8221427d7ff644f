using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>The Webex token manager's files in a directory, the stand-in for Webex, and a clock for both.</summary>
internal sealed class WebexFixture : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly SandboxServer sandbox;
    private Account? account;

    private WebexFixture(SandboxServer sandbox, ManualTime time) => (this.sandbox, Time) = (sandbox, time);

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ManualTime Time { get; }

    public CollectedLog Log { get; } = new();

    public WebexProvider Provider => sandbox.Webex;

    public Uri Api => sandbox.Address;

    public string ConfigFile => directory["token-config.json"];

    public string EnvFile => directory[".env"];

    public TemporaryDirectory DirectoryPath => directory;

    /// <summary>The open account, with its tokens loaded.</summary>
    public Account Account => account ?? throw new InvalidOperationException("nothing is open yet");

    public TokenManager ServiceApp => Account.TokenManager;

    public TokenManager Personal => Account.Upstream.Single();

    public Secret? Access => ServiceApp.Snapshot.State.Token?.AccessToken;

    /// <summary>The value of a metric.</summary>
    public double? Metric(string name) =>
        Account.Live.Single(l => l.Name == name).Read(new AccountSnapshot(Account, Account.TokenManager.Snapshot, null));

    public double? LevelsLeft => Metric("webex_token_levels_left");

    public static async Task<WebexFixture> StartAsync(WebexProviderOptions? options = null)
    {
        var time = new ManualTime();
        return new WebexFixture(
            await SandboxServer.StartAsync(new SandboxOptions { Time = time, Providers = [options ?? new WebexProviderOptions()] }, Cancellation),
            time);
    }

    /// <summary>Writes a configuration with a complete service app.</summary>
    public WebexFixture Configure(string? personal = null, IssuedTokens? integration = null)
    {
        var manager = new JsonObject();
        if (personal is not null)
        {
            manager["personalAccessToken"] = personal;
        }
        if (integration is not null)
        {
            manager["integration"] = new JsonObject
            {
                ["clientId"] = Provider.IntegrationClientId,
                ["clientSecret"] = Provider.IntegrationClientSecret,
                ["refreshToken"] = integration.RefreshToken,
            };
        }
        directory.Write("token-config.json", new JsonObject { ["serviceApp"] = ServiceAppSection(), ["tokenManager"] = manager }.ToJsonString());
        return this;
    }

    public JsonObject ServiceAppSection() => new()
    {
        ["appId"] = Provider.AppId,
        ["clientId"] = Provider.ClientId,
        ["clientSecret"] = Provider.ClientSecret,
        ["targetOrgId"] = Provider.OrgId,
    };

    /// <summary>Writes a <c>.env</c> file like the token manager.</summary>
    public WebexFixture WriteEnv(IssuedTokens issued)
    {
        directory.Write(
            ".env", $"OTHER=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN={issued.AccessToken}\nWEBEX_SERVICE_APP_REFRESH_TOKEN={issued.RefreshToken}\n");
        return this;
    }

    public (IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems) Plan(params (string Name, string Value)[] variables) =>
        Configured.Of(
            new WebexSource(), null, new Dictionary<string,
            string>(variables.Select(v => KeyValuePair.Create(v.Name, v.Value)))
            { ["WEBEX_API_URL"] = Api.OriginalString }, directory);

    /// <summary>Opens the account again, like a program that starts.</summary>
    public async Task<WebexFixture> OpenAsync(params (string Name, string Value)[] variables)
    {
        var (accounts, problems) = Plan(variables);
        Assert.Empty(problems);
        account?.Dispose();
        account = Assert.Single(accounts)
            .Open(new TokenManagerOptions { Random = new Random(1), RenewalRateLimiter = new RenewalRateLimiter(Time) }, Time, Log);
        await account.LoadAsync(isProgramStart: true, Cancellation);
        await VisitAsync();
        return this;
    }

    /// <summary>Runs the renewals that are due, like the refresh loop.</summary>
    public async Task VisitAsync()
    {
        foreach (var manager in Account.TokenManagers)
        {
            await manager.VisitAsync(Cancellation);
        }
    }

    /// <summary>Advances the time in steps, and runs due renewals after each.</summary>
    public async Task PassAsync(TimeSpan span, TimeSpan step, Action? look = null)
    {
        for (var end = Time.GetUtcNow() + span; Time.GetUtcNow() < end;)
        {
            Time.Advance(step);
            await VisitAsync();
            look?.Invoke();
        }
    }

    public JsonMembers Manager => JsonMembers.Parse(File.ReadAllBytes(ConfigFile)).Inner("tokenManager")!;

    public string? Env(string name) => DotEnv.Find(File.ReadAllBytes(EnvFile), name);

    public async ValueTask DisposeAsync()
    {
        account?.Dispose();
        await sandbox.DisposeAsync();
        directory.Dispose();
    }
}
