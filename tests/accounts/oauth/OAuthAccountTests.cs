using System.Net;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>What the settings of an OAuth account send, with a scripted server.</summary>
public sealed class OAuthAccountTests : IAsyncLifetime
{
    private readonly StubHttp http = new();
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();
    private readonly ServiceProvider services;

    public OAuthAccountTests() => services = new ServiceCollection()
        .AddSingleton<TimeProvider>(time)
        .AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
        .AddKeyedSingleton(AccountServices.TokenHttp, (_, _) => http.Client)
        .BuildServiceProvider();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        directory.Dispose();
        http.Dispose();
    }

    [Fact]
    public async Task A_nested_token_with_scopes_by_comma_is_configured_by_settings_alone()
    {
        http.Expect(HttpStatusCode.OK, """{"status":0,"body":{"access_token":"access-1","refresh_token":"refresh-1","expires_in":10800}}""");
        var account = Open("""
            token_endpoint: https://api.example/oauth2
                authorization_endpoint: https://account.example/authorize
                client_secret: s
                scopes: [user.info, user.metrics]
                scope_separator: ','
                pkce: false
                token_at: body
                authorize_parameters: {mode: demo}
                token_parameters: {action: requesttoken}
            """);
        using var manager = account.TokenManager;
        var grant = Assert.IsType<LoginMethod.Redirect>(account.Login).Grant;

        var request = Results.Value(await grant.BeginAsync(new Uri("http://localhost/auth/callback"), Cancellation));
        var token = Assert.IsType<Renewal.Renewed>(await grant.ExchangeAsync("code-1", request, Cancellation)).Token;

        Assert.Contains("&scope=user.info%2Cuser.metrics&mode=demo", request.Address.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(
            "grant_type=authorization_code&code=code-1&redirect_uri=http%3A%2F%2Flocalhost%2Fauth%2Fcallback&action=requesttoken"
            + "&client_id=app&client_secret=s", http.Calls.Single().Body);
        Assert.Equal("refresh-1", token.RefreshToken?.Reveal());
    }

    [Fact]
    public async Task A_login_by_device_code_with_discovery_requests_the_metadata_once()
    {
        http.Expect(HttpStatusCode.OK, """
            {"issuer":"https://id.example","token_endpoint":"https://id.example/t","device_authorization_endpoint":"https://id.example/d"}
            """)
            .Expect(HttpStatusCode.OK, """{"device_code":"d","user_code":"u","verification_uri":"https://id.example/go","interval":5}""")
            .Expect(HttpStatusCode.BadRequest, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        var account = Open("issuer: https://id.example\n    grant: device_code\n    authorize_parameters: {audience: a}");
        using var manager = account.TokenManager;
        var grant = Assert.IsType<LoginMethod.Device>(account.Login).Grant;

        var waiting = grant.WaitAsync(Results.Value(await grant.BeginAsync(Cancellation)), Cancellation);
        while (!waiting.IsCompleted)
        {
            Cancellation.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.IsType<Renewal.Renewed>(await waiting);
        Assert.StartsWith("audience=a&", http.Calls[1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_password_is_recorded_beside_the_token_file()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""");
        const string Yaml = "token_endpoint: https://id.example/t\n    grant: password\n    username: ann\n    password: t0ps3cret";

        foreach (var account in new[] { Open(Yaml), Open(Yaml) })
        {
            using var manager = account.TokenManager;
            Assert.IsType<TokenState.InvalidClient>((await manager.RenewAsync(null, Cancellation)).State);
        }

        Assert.True(File.Exists(directory["t.json.rejected-password"]));
    }

    [Fact]
    public async Task A_logout_without_a_revocation_endpoint_in_the_metadata_says_so()
    {
        http.Expect(HttpStatusCode.OK, """{"issuer":"https://id.example","token_endpoint":"https://id.example/t"}""");
        var account = Open("issuer: https://id.example");
        using var manager = account.TokenManager;

        Assert.Equal(
            "the metadata of https://id.example has no revocation_endpoint; set revocation_endpoint",
            await account.Revoke!(new Token { AccessToken = new Secret("access-1") }, Cancellation));
    }

    private OAuthAccount Open(string yaml)
    {
        directory.Write("exporter.yml", $"accounts:\n  a:\n    source: oauth2\n    client_id: app\n    {yaml}\n");
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = ["exporter.yml"] };
        var configuration = Configuration.Load(
            [], [new SourceSettings("oauth2", OAuthSettings.All)], flags, new Dictionary<string, string>(), directory.Path);
        var options = OAuthOptions.Read(configuration.Accounts.Single().Section);
        Assert.Empty(configuration.Problems);
        return OAuthAccount.Open(options, new AccountContext("a", HasAccountLabel: true, new MemoryStore(), new TokenManagerOptions(), services)
        {
            TokenFile = directory["t.json"],
        });
    }
}
