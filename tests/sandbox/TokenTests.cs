using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class TokenTests
{
    [Fact]
    public async Task A_renewal_has_Netatmos_format_and_the_sandboxs_clock()
    {
        await using var visitor = await SandboxVisitor.Start();
        var reply = await visitor.Renew(visitor.Netatmo.Login().RefreshToken);

        Assert.Equal(HttpStatusCode.OK, reply.Status);
        Assert.Equal(
            ["scope", "access_token", "refresh_token", "expires_in", "expire_in"], reply.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("""["read_station"]""", reply.Json.GetProperty("scope").GetRawText());
        Assert.Matches(new Regex(@"^[0-9a-f]{24}\|[0-9a-f]{32}$"), reply.Text("access_token"));
        Assert.Equal((10800, 10800), (reply.Json.GetProperty("expires_in").GetInt32(), reply.Json.GetProperty("expire_in").GetInt32()));
        Assert.Equal("no-store", reply.Headers.CacheControl!.ToString());
        Assert.Equal(ManualTime.Start, reply.Headers.Date);
    }

    [Fact]
    public async Task A_renewal_replaces_both_tokens_and_invalidates_the_old_access_token()
    {
        await using var visitor = await SandboxVisitor.Start();
        var old = visitor.Netatmo.Login();
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(old.AccessToken)).Status);

        var renewed = await visitor.Renew(old.RefreshToken);

        Assert.NotEqual(old.AccessToken, renewed.Text("access_token"));
        Assert.NotEqual(old.RefreshToken, renewed.Text("refresh_token"));
        Assert.Equal((403, 2), (await visitor.Api(old.AccessToken)).ApiError);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(renewed.Text("access_token"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(renewed.Text("refresh_token"))).Status);
        Assert.Equal(2, visitor.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task A_used_refresh_token_is_rejected_and_its_family_is_revoked()
    {
        await using var visitor = await SandboxVisitor.Start();
        var (old, other) = (visitor.Netatmo.Login(), visitor.Netatmo.Login());
        var renewed = await visitor.Renew(old.RefreshToken);

        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(old.RefreshToken)).OAuthError);

        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(renewed.Text("refresh_token"))).OAuthError);
        Assert.Equal((403, 2), (await visitor.Api(renewed.Text("access_token"))).ApiError);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(other.RefreshToken)).Status);
        Assert.Equal((1, 1, 2), (visitor.Netatmo.Authorization.Counters.ReusedRefreshTokens, visitor.Netatmo.Authorization.Counters.RevokedFamilies,
            visitor.Netatmo.Authorization.Counters.Families));
    }

    [Fact]
    public async Task Of_concurrent_renewals_with_one_token_exactly_one_succeeds()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().RefreshToken;
        visitor.Netatmo.Token.Fail(new Fault.Hang(), times: 20);
        var renewals = Enumerable.Range(0, 20).Select(_ => visitor.Renew(token)).ToArray();
        await visitor.Netatmo.Token.Reached(20, TestContext.Current.CancellationToken);

        visitor.Netatmo.Token.Clear();
        var replies = await Task.WhenAll(renewals);

        Assert.Single(replies, reply => reply.Status == HttpStatusCode.OK);
        Assert.Equal((20, 19), (visitor.Netatmo.Authorization.Counters.MaximumInFlight, visitor.Netatmo.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task Sequential_renewals_are_not_counted_as_concurrent()
    {
        await using var visitor = await SandboxVisitor.Start();
        var second = (await visitor.Renew(visitor.Netatmo.Login().RefreshToken)).Text("refresh_token");
        await visitor.Renew(second);
        Assert.Equal(1, visitor.Netatmo.Authorization.Counters.MaximumInFlight);
    }

    [Fact]
    public async Task An_access_token_is_valid_for_its_lifetime_and_then_expired()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().AccessToken;
        visitor.Time.Advance(TimeSpan.FromHours(3) - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(token)).Status);
        visitor.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((403, 3), (await visitor.Api(token)).ApiError);
    }

    [Fact]
    public async Task Lifetimes_can_be_changed_while_the_sandbox_runs()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Authorization.Lifetimes =
            new(Access: TimeSpan.FromSeconds(20), Refresh: TimeSpan.FromMinutes(1), Code: TimeSpan.FromSeconds(5));
        var reply = await visitor.Renew(visitor.Netatmo.Login().RefreshToken);
        Assert.Equal(20, reply.Json.GetProperty("expires_in").GetInt32());
        visitor.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal((403, 3), (await visitor.Api(reply.Text("access_token"))).ApiError);
        visitor.Time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(reply.Text("refresh_token"))).OAuthError);
    }

    [Fact]
    public async Task Expiring_all_access_tokens_keeps_the_refresh_tokens_valid()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.Authorization.ExpireAccessTokens();
        Assert.Equal((403, 3), (await visitor.Api(tokens.AccessToken)).ApiError);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(tokens.RefreshToken)).Status);
    }

    [Fact]
    public async Task Revoking_invalidates_both_tokens_and_does_not_count_as_reuse()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.Authorization.RevokeAll();
        Assert.Equal((403, 2), (await visitor.Api(tokens.AccessToken)).ApiError);
        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(tokens.RefreshToken)).OAuthError);
        Assert.Equal(0, visitor.Netatmo.Authorization.Counters.ReusedRefreshTokens);
    }

    [Theory]
    [InlineData("invalid_request", "refresh_token=x&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_request", "grant_type=refresh_token&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_request", "grant_type=refresh_token&refresh_token=&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_request", "grant_type=refresh_token&refresh_token=x&refresh_token=y&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_request", "grant_type=authorization_code&redirect_uri=http://127.0.0.1/&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_client", "grant_type=refresh_token&refresh_token=x")]
    [InlineData("invalid_client", "grant_type=refresh_token&refresh_token=x&client_id=ID")]
    [InlineData("invalid_client", "grant_type=refresh_token&refresh_token=x&client_id=ID&client_secret=wrong")]
    [InlineData("invalid_client", "grant_type=refresh_token&refresh_token=x&client_id=\"ID\"&client_secret=SECRET")]
    [InlineData("invalid_grant", "grant_type=refresh_token&refresh_token=x&client_id=ID&client_secret=SECRET")]
    [InlineData("invalid_grant", "grant_type=authorization_code&code=x&redirect_uri=http://127.0.0.1/&client_id=ID&client_secret=SECRET")]
    [InlineData("unsupported_grant_type", "grant_type=password&username=u&password=p&client_id=ID&client_secret=SECRET")]
    public async Task An_invalid_token_request_returns_its_RFC_6749_error(string error, string form)
    {
        await using var visitor = await SandboxVisitor.Start();
        var body = form.Replace("ID", visitor.Netatmo.ClientId, StringComparison.Ordinal)
            .Replace("SECRET", visitor.Netatmo.ClientSecret, StringComparison.Ordinal);
        var reply = await visitor.Send(new HttpRequestMessage(HttpMethod.Post, "/oauth2/token")
        {
            Content = new StringContent(body, Encoding.ASCII, "application/x-www-form-urlencoded"),
        });
        Assert.Equal((400, error), reply.OAuthError);
    }

    [Fact]
    public async Task HTTP_Basic_credentials_are_rejected_with_and_without_a_form()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().RefreshToken;
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{visitor.Netatmo.ClientId}:{visitor.Netatmo.ClientSecret}"));
        foreach (var credentials in new[] { "", $"&client_id={visitor.Netatmo.ClientId}&client_secret={visitor.Netatmo.ClientSecret}" })
        {
            var reply = await visitor.Send(new HttpRequestMessage(HttpMethod.Post, "/oauth2/token")
            {
                Headers = { Authorization = new AuthenticationHeaderValue("Basic", basic) },
                Content = new StringContent(
                    $"grant_type=refresh_token&refresh_token={token}{credentials}", Encoding.ASCII, "application/x-www-form-urlencoded"),
            });
            Assert.Equal((400, "invalid_client"), reply.OAuthError);
        }
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(token)).Status);
    }

    [Fact]
    public async Task A_query_JSON_or_a_GET_is_not_a_token_request()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().RefreshToken;
        var query =
            $"grant_type=refresh_token&refresh_token={token}&client_id={visitor.Netatmo.ClientId}&client_secret={visitor.Netatmo.ClientSecret}";

        Assert.Equal((400, "invalid_request"), (await visitor.Post($"/oauth2/token?{query}")).OAuthError);
        Assert.Equal((400, "invalid_request"), (await visitor.Post("/oauth2/token", """{"grant_type":"refresh_token"}""")).OAuthError);
        var get = await visitor.Get($"/oauth2/token?{query}");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.Status);
        Assert.Equal(["POST"], get.ContentHeaders.Allow);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(token)).Status);
    }

    [Fact]
    public async Task A_refresh_token_is_bound_to_its_client()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Authorization.Register(new RegisteredClient("other", "other-secret", []));
        var token = visitor.Netatmo.Login().RefreshToken;
        var reply = await visitor.Post(
            "/oauth2/token", ("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "other"), ("client_secret", "other-secret"));
        Assert.Equal((400, "invalid_grant"), reply.OAuthError);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(token)).Status);
    }
}
