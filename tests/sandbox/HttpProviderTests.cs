using System.Net;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>Depot's issuer is as strict as a real one.</summary>
public sealed class HttpProviderTests
{
    private const string Device = "urn:ietf:params:oauth:grant-type:device_code";

    [Theory]
    [InlineData("/depot/oauth/.well-known/openid-configuration")]
    [InlineData("/.well-known/oauth-authorization-server/depot/oauth")]
    public async Task The_metadata_names_the_issuer_and_its_endpoints(string path)
    {
        await using var visitor = await SandboxVisitor.Start();
        var metadata = await visitor.Get(path);

        var issuer = $"{visitor.Sandbox.Address.OriginalString}/depot/oauth";
        Assert.Equal(issuer, metadata.Text("issuer"));
        Assert.Equal($"{issuer}/token", metadata.Text("token_endpoint"));
        Assert.Equal($"{issuer}/authorize", metadata.Text("authorization_endpoint"));
        Assert.Equal($"{issuer}/device_authorization", metadata.Text("device_authorization_endpoint"));
    }

    [Fact]
    public async Task Client_credentials_give_an_access_token_and_no_refresh_token()
    {
        await using var visitor = await SandboxVisitor.Start();
        var reply = await visitor.ServiceToken(("grant_type", "client_credentials"), ("scope", "depot.read"));

        Assert.Equal(HttpStatusCode.OK, reply.Status);
        Assert.Equal(
            ["access_token", "token_type", "expires_in", "scope"], reply.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("Bearer", "depot.read", "no-store"), (reply.Text("token_type"), reply.Text("scope"), reply.Headers.CacheControl!.ToString()));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(reply.Text("access_token"), "/depot/v1/sites")).Status);
    }

    [Fact]
    public async Task Earlier_access_tokens_of_client_credentials_stay_valid()
    {
        await using var visitor = await SandboxVisitor.Start();
        var first = await visitor.ServiceToken(("grant_type", "client_credentials"));
        await visitor.ServiceToken(("grant_type", "client_credentials"));

        Assert.Equal("depot.read depot.stock", first.Text("scope"));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(first.Text("access_token"), "/depot/v1/sites")).Status);
    }

    [Fact]
    public async Task HTTP_Basic_needs_form_encoded_parts_and_no_other_method()
    {
        await using var visitor = await SandboxVisitor.Start();
        var encoded = $"{HttpProvider.ServiceClientId}:{Uri.EscapeDataString(HttpProvider.ServiceClientSecret)}";
        Task<Reply> AskAsync(string pair, params (string, string)[] more) =>
            visitor.WithBasic(HttpMethod.Post, "/depot/oauth/token", pair, [("grant_type", "client_credentials"), .. more]);

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(encoded)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(encoded, ("client_id", HttpProvider.ServiceClientId))).Status);
        Reply[] rejected =
        [
            await AskAsync($"{HttpProvider.ServiceClientId}:{HttpProvider.ServiceClientSecret}"),
            await AskAsync(encoded, ("client_secret", HttpProvider.ServiceClientSecret)),
            await AskAsync(encoded, ("client_id", "another")),
            await AskAsync("no-colon"),
        ];
        Assert.All(rejected, reply => Assert.Equal((401, "invalid_client"), reply.OAuthError));
        Assert.All(rejected, reply => Assert.Equal("Basic realm=\"Depot\"", reply.Headers.WwwAuthenticate.Single().ToString()));
    }

    [Theory]
    [InlineData(401, "invalid_client", "grant_type=client_credentials&client_id=depot-service&client_secret=wrong")]
    [InlineData(401, "invalid_client", "grant_type=client_credentials&client_id=depot-service")]
    [InlineData(401, "invalid_client", "grant_type=client_credentials&client_id=unknown&client_secret=SECRET")]
    [InlineData(401, "invalid_client", "grant_type=refresh_token&refresh_token=x&client_id=depot-app&client_secret=x")]
    [InlineData(400, "unauthorized_client", "grant_type=client_credentials&client_id=depot-app")]
    [InlineData(400, "unauthorized_client", "grant_type=authorization_code&code=x&client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_scope", "grant_type=client_credentials&scope=depot.write&client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_grant", "grant_type=password&username=sandbox-user&password=wrong&client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_request", "grant_type=password&username=sandbox-user&client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_request", "client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_request", "grant_type=password&grant_type=password&client_id=depot-service&client_secret=SECRET")]
    [InlineData(400, "invalid_request", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=depot-app")]
    [InlineData(400, "unsupported_grant_type", "grant_type=implicit&client_id=depot-service&client_secret=SECRET")]
    public async Task An_invalid_token_request_has_its_status_and_error(int status, string error, string form)
    {
        await using var visitor = await SandboxVisitor.Start();
        var body = form.Replace("SECRET", Uri.EscapeDataString(HttpProvider.ServiceClientSecret), StringComparison.Ordinal);
        var reply = await visitor.Send(new HttpRequestMessage(HttpMethod.Post, "/depot/oauth/token")
        {
            Content = new StringContent(body, System.Text.Encoding.ASCII, "application/x-www-form-urlencoded"),
        });
        Assert.Equal((status, error), reply.OAuthError);
    }

    [Fact]
    public async Task The_password_grant_gives_a_refresh_token_that_works_once()
    {
        await using var visitor = await SandboxVisitor.Start();
        var login = await visitor.ServiceToken(
            ("grant_type", "password"), ("username", HttpProvider.User), ("password", HttpProvider.Password), ("scope", "depot.read"));
        Task<Reply> RenewAsync(Reply from, params (string, string)[] more) =>
            visitor.ServiceToken([("grant_type", "refresh_token"), ("refresh_token", from.Text("refresh_token")), .. more]);

        Assert.Equal((400, "invalid_scope"), (await RenewAsync(login, ("scope", "depot.stock"))).OAuthError);
        var renewed = await RenewAsync(login, ("scope", "depot.read"));
        Assert.Equal((400, "invalid_grant"), (await RenewAsync(login)).OAuthError);
        // The second use revoked the login.
        Assert.Equal((400, "invalid_grant"), (await RenewAsync(renewed)).OAuthError);
        Assert.Equal((401, "invalid_token"), Without(await visitor.Api(renewed.Text("access_token"), "/depot/v1/sites")));
        Assert.Equal(1, visitor.Http.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task A_code_works_once_and_its_second_use_revokes_the_login()
    {
        await using var visitor = await SandboxVisitor.Start();
        var code = await visitor.DepotCode();
        var tokens = await visitor.Redeem(code, HttpVisits.Verifier);

        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(tokens.Text("access_token"), "/depot/v1/sites")).Status);
        Assert.Equal((400, "invalid_grant"), (await visitor.Redeem(code, HttpVisits.Verifier)).OAuthError);
        Assert.Equal((401, "invalid_token"), Without(await visitor.Api(tokens.Text("access_token"), "/depot/v1/sites")));
        Assert.Equal(1, visitor.Http.Authorization.Counters.ReusedCodes);
    }

    [Fact]
    public async Task A_wrong_verifier_an_expired_code_and_a_login_without_PKCE_are_rejected()
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((400, "invalid_grant"), (await visitor.Redeem(await visitor.DepotCode(), new string('x', 43))).OAuthError);
        var late = await visitor.DepotCode();
        visitor.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((400, "invalid_grant"), (await visitor.Redeem(late, HttpVisits.Verifier)).OAuthError);

        var (client, callback) = (("client_id", HttpProvider.AppClientId), ("redirect_uri", SandboxVisitor.Callback));
        var without = await visitor.Accept("/depot/oauth", client, callback, ("response_type", "code"), ("scope", "depot.read"));
        Assert.Equal("invalid_request", without.Location("error"));
        var unknown = await visitor.Accept("/depot/oauth", client, callback, ("response_type", "code"), ("scope", "depot.write"));
        Assert.Equal("invalid_scope", unknown.Location("error"));
    }

    [Fact]
    public async Task A_device_polls_until_the_user_enters_its_code()
    {
        await using var visitor = await SandboxVisitor.Start();
        var begun = await visitor.Post("/depot/oauth/device_authorization", ("client_id", HttpProvider.AppClientId), ("scope", "depot.read"));
        Task<Reply> PollAsync() => visitor.AppToken(("grant_type", Device), ("device_code", begun.Text("device_code")));

        Assert.Equal((5, 300), (begun.Json.GetProperty("interval").GetInt32(), begun.Json.GetProperty("expires_in").GetInt32()));
        Assert.Contains(begun.Text("user_code"), (await visitor.Get(new Uri(begun.Text("verification_uri_complete")).PathAndQuery)).Body,
            StringComparison.Ordinal);
        Assert.Equal((400, "authorization_pending"), (await PollAsync()).OAuthError);
        Assert.Equal((400, "slow_down"), (await PollAsync()).OAuthError);
        Assert.True(visitor.Http.Decide(begun.Text("user_code"), approve: true));
        visitor.Time.Advance(TimeSpan.FromSeconds(10));
        var tokens = await PollAsync();
        Assert.Equal("depot.read", tokens.Text("scope"));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(tokens.Text("access_token"), "/depot/v1/sites")).Status);
        Assert.Equal((400, "invalid_grant"), (await PollAsync()).OAuthError);
    }

    [Fact]
    public async Task A_device_login_that_the_user_refuses_or_forgets_ends()
    {
        await using var visitor = await SandboxVisitor.Start();
        Task<Reply> BeginAsync() => visitor.Post("/depot/oauth/device_authorization", ("client_id", HttpProvider.AppClientId));
        Task<Reply> PollAsync(Reply begun) => visitor.AppToken(("grant_type", Device), ("device_code", begun.Text("device_code")));
        var (refused, forgotten) = (await BeginAsync(), await BeginAsync());

        Assert.True(visitor.Http.Decide(refused.Text("user_code"), approve: false));
        Assert.Equal((400, "access_denied"), (await PollAsync(refused)).OAuthError);
        visitor.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((400, "expired_token"), (await PollAsync(forgotten)).OAuthError);
    }

    [Fact]
    public async Task Only_a_client_with_the_grant_can_start_a_device_login()
    {
        await using var visitor = await SandboxVisitor.Start();
        var service = await visitor.Post("/depot/oauth/device_authorization",
            ("client_id", HttpProvider.ServiceClientId), ("client_secret", HttpProvider.ServiceClientSecret));
        Assert.Equal((400, "unauthorized_client"), service.OAuthError);
        Assert.Equal((401, "invalid_client"), (await visitor.Post("/depot/oauth/device_authorization", ("client_id", "unknown"))).OAuthError);
        Assert.Equal((400, "invalid_scope"), (await visitor.Post("/depot/oauth/device_authorization",
            ("client_id", HttpProvider.AppClientId), ("scope", "everything"))).OAuthError);
    }

    [Fact]
    public async Task Control_requests_create_expire_and_revoke_logins_and_set_faults()
    {
        await using var visitor = await SandboxVisitor.Start();
        var login = await visitor.Post("/sandbox/tokens?provider=http", """{"scope":["depot.read"]}""");
        var token = login.Text("access_token");

        await visitor.Post("/sandbox/faults?provider=http", """{"endpoint":"sites","times":1,"fault":{"kind":"too_many_requests","retry_after":"7"}}""");
        var limited = await visitor.Api(token, "/depot/v1/sites");
        Assert.Equal((429, "rate_limited", null), limited.DepotError);
        Assert.Equal(TimeSpan.FromSeconds(7), limited.Headers.RetryAfter!.Delta);
        await visitor.Post("/sandbox/expire?provider=http", "{}");
        Assert.Equal(
            (401, "invalid_token", "Bearer realm=\"depot\", error=\"invalid_token\", error_description=\"The access token has expired\""),
            (await visitor.Api(token, "/depot/v1/sites")).DepotError);
        await visitor.Post("/sandbox/revoke?provider=http", "{}");
        Assert.Equal((400, "invalid_grant"),
            (await visitor.AppToken(("grant_type", "refresh_token"), ("refresh_token", login.Text("refresh_token")))).OAuthError);
    }

    private static (int, string) Without(Reply reply) => (reply.DepotError.Status, reply.DepotError.Code);
}
