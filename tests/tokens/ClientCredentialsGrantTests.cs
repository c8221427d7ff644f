using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>RFC 6749, section 4.4, with a scripted server and manual time.</summary>
public sealed class ClientCredentialsGrantTests : IDisposable
{
    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task The_form_has_the_scope_and_the_further_parameters()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","expires_in":3600}""");
        var endpoint = Endpoint([KeyValuePair.Create("audience", "https://api.example")]);

        await new ClientCredentialsGrant(endpoint, ["read", "write"]).RenewAsync(null, Cancellation);

        Assert.Equal(
            "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fapi.example&client_id=app&client_secret=s%26cret",
            http.Calls.Single().Body);
    }

    [Fact]
    public async Task Without_scopes_the_form_has_none_and_another_separator_is_possible()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""").Expect(HttpStatusCode.OK, """{"access_token":"access-2"}""");

        await new ClientCredentialsGrant(Endpoint(), []).RenewAsync(null, Cancellation);
        await new ClientCredentialsGrant(Endpoint(), ["read", "write"], ",").RenewAsync(null, Cancellation);

        Assert.DoesNotContain("scope", http.Calls[0].Body, StringComparison.Ordinal);
        Assert.Contains("scope=read%2Cwrite", http.Calls[1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_token_replaces_the_old_one_and_a_refresh_token_in_the_response_is_ignored()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}""");

        var renewed = Assert.IsType<Renewal.Renewed>(await Grant().RenewAsync(TokenManagerBench.Some(time), Cancellation));

        Assert.Equal(("access-1", null), (renewed.Token.AccessToken?.Reveal(), renewed.Token.RefreshToken));
        Assert.Equal(time.GetUtcNow() + TokenManagerBench.Hour, renewed.Token.ExpiresAt);
    }

    [Fact]
    public async Task The_token_manager_logs_in_at_the_start_and_renews_without_a_refresh_token()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","expires_in":3600}""")
            .Expect(HttpStatusCode.OK, """{"access_token":"access-2","expires_in":3600}""");
        using var bench = await new TokenManagerBench(new MemoryStore(), time, grant: Grant()).Loaded();

        await bench.TokenManager.VisitAsync(Cancellation);
        Assert.Equal("access-1", bench.Access);
        time.Advance(TokenManagerBench.Hour);
        await bench.TokenManager.VisitAsync(Cancellation);

        Assert.Equal(("access-2", null), (bench.Access, bench.Refresh));
        Assert.DoesNotContain("refresh_token", bench.Logs.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_API_that_rejects_the_token_causes_one_new_request()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","expires_in":3600}""")
            .Expect(HttpStatusCode.OK, """{"access_token":"access-2","expires_in":3600}""");
        using var bench = await new TokenManagerBench(new MemoryStore(), time, grant: Grant()).Loaded();
        await bench.TokenManager.VisitAsync(Cancellation);
        time.Advance(bench.Options.LeastBetweenForced);
        var rejected = bench.State.Token!.AccessToken!;

        await bench.TokenManager.RenewAsync(rejected, Cancellation);
        await bench.TokenManager.RenewAsync(rejected, Cancellation);
        await bench.TokenManager.RenewAsync(bench.State.Token!.AccessToken!, Cancellation);

        Assert.Equal("access-2", bench.Access);
    }

    [Theory]
    [InlineData("invalid_client")]
    [InlineData("invalid_grant")]
    public async Task A_rejected_client_loses_no_token(string error)
    {
        http.Expect(HttpStatusCode.BadRequest, $$"""{"error":"{{error}}"}""");
        using var bench = await new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time)), time, grant: Grant()).Loaded();

        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal("access-0", Assert.IsType<TokenState.InvalidClient>(bench.State).Token?.AccessToken?.Reveal());
        Assert.NotNull(bench.TokenManager.NextRenewal);
    }

    [Fact]
    public async Task A_response_with_only_a_refresh_token_is_a_temporary_failure()
    {
        http.Expect(HttpStatusCode.OK, """{"refresh_token":"refresh-1"}""");

        Assert.Equal(FailureKind.MalformedAnswer, Assert.IsType<Renewal.Transient>(await Grant().RenewAsync(null, Cancellation)).Kind);
    }

    private ClientCredentialsGrant Grant() => new(Endpoint(), ["read"]);

    private TokenEndpoint Endpoint(IReadOnlyList<KeyValuePair<string, string>>? extra = null) =>
        new(http.Client, new Uri("https://id.example/token"), new OAuthClient("app", new Secret("s&cret")), time) { ExtraParameters = extra ?? [] };
}
