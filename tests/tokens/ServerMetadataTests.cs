using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>OpenID Connect Discovery and RFC 8414, with a scripted server and manual time.</summary>
public sealed class ServerMetadataTests : IDisposable
{
    private const string Document =
        """{"issuer":"https://id.example/realm","token_endpoint":"https://token.example/t","authorization_endpoint":"https://id.example/a"}""";

    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IEnumerable<string> Requested => http.Calls.Select(call => call.Request.RequestUri!.AbsoluteUri);

    public void Dispose() => http.Dispose();

    [Theory]
    [InlineData("https://id.example/realm")]
    [InlineData("https://id.example/realm/")]
    public async Task An_endpoint_is_found_at_the_address_of_OpenID_Connect(string issuer)
    {
        http.Expect(HttpStatusCode.OK, Document);

        Assert.Equal("https://token.example/t", Results.Value(await Find(Metadata(issuer))).AbsoluteUri);

        Assert.Equal(["https://id.example/realm/.well-known/openid-configuration"], Requested);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, "")]
    [InlineData(HttpStatusCode.OK, "<html>")]
    [InlineData(HttpStatusCode.Found, "")]
    public async Task Otherwise_it_is_found_at_the_address_of_RFC_8414(HttpStatusCode status, string body)
    {
        http.Expect(status, body).Expect(HttpStatusCode.OK, Document);

        Results.Value(await Find(Metadata()));

        Assert.Equal("https://id.example/.well-known/oauth-authorization-server/realm", Requested.Last());
    }

    [Fact]
    public async Task The_document_is_requested_once_a_day()
    {
        http.Expect(HttpStatusCode.OK, Document).Expect(HttpStatusCode.OK, Document);
        var metadata = Metadata();

        Results.Value(await Find(metadata));
        time.Advance(TimeSpan.FromHours(23));
        Results.Value(await Find(metadata));
        Assert.Single(http.Calls);
        time.Advance(TimeSpan.FromHours(1));
        Results.Value(await Find(metadata));
    }

    [Fact]
    public async Task A_failure_is_temporary_and_the_next_need_tries_again()
    {
        http.ExpectFailure(new HttpRequestException("refused")).Expect(HttpStatusCode.ServiceUnavailable, "", ("Retry-After", "7"))
            .Expect(HttpStatusCode.OK, Document);
        var metadata = Metadata();

        Assert.Equal(FailureKind.Network, Assert.IsType<Renewal.Transient>(Results.Failure(await Find(metadata))).Kind);
        var unavailable = Assert.IsType<Renewal.Transient>(Results.Failure(await Find(metadata)));
        Assert.Equal((FailureKind.ServerError, TimeSpan.FromSeconds(7)), (unavailable.Kind, unavailable.RetryAfter));
        Results.Value(await Find(metadata));
    }

    [Fact]
    public async Task A_document_that_is_a_day_old_is_used_while_there_is_no_newer_one()
    {
        http.Expect(HttpStatusCode.OK, Document).Expect(HttpStatusCode.ServiceUnavailable);
        var metadata = Metadata();
        Results.Value(await Find(metadata));
        time.Advance(TimeSpan.FromDays(2));

        Assert.Equal("https://token.example/t", Results.Value(await Find(metadata)).AbsoluteUri);
        Assert.Equal("https://token.example/t", Results.Value(await Find(metadata)).AbsoluteUri);
    }

    [Fact]
    public async Task A_server_that_does_not_respond_is_a_timeout()
    {
        http.ExpectSilence();
        var finding = Find(Metadata());

        while (!finding.IsCompleted)
        {
            Cancellation.ThrowIfCancellationRequested();
            time.Advance(RunningTime.Step);
            await Task.Yield();
        }

        Assert.Equal(FailureKind.Timeout, Assert.IsType<Renewal.Transient>(Results.Failure(await finding)).Kind);
    }

    [Theory]
    [InlineData("""{"issuer":"https://evil.example","token_endpoint":"https://evil.example/t"}""",
        "the metadata of https://id.example/realm has the issuer https://evil.example; correct issuer")]
    [InlineData("""{"token_endpoint":"https://id.example/t"}""", "the metadata of https://id.example/realm has no issuer; correct issuer")]
    [InlineData("""{"issuer":"https://id.example/realm"}""", "the metadata of https://id.example/realm has no token_endpoint; set token_endpoint")]
    [InlineData("""{"issuer":"https://id.example/realm","token_endpoint":"/t"}""",
        "the token_endpoint in the metadata of https://id.example/realm is not a URL; set token_endpoint")]
    [InlineData("""{"issuer":"https://id.example/realm","token_endpoint":"http://id.example/t"}""",
        "the token_endpoint in the metadata of https://id.example/realm does not use HTTPS; set token_endpoint")]
    public async Task A_wrong_document_is_a_temporary_failure_with_the_fix(string document, string sentence)
    {
        http.Expect(HttpStatusCode.OK, document);

        var failure = Assert.IsType<Renewal.Transient>(Results.Failure(await Find(Metadata())));

        Assert.Equal((FailureKind.UnknownAnswer, sentence), (failure.Kind, failure.Reason));
    }

    [Fact]
    public async Task A_server_without_metadata_is_named_with_the_fix()
    {
        http.Expect(HttpStatusCode.NotFound).Expect(HttpStatusCode.NotFound);

        Assert.Equal(
            "there is no metadata of the server at https://id.example/realm/.well-known/openid-configuration (HTTP 404); "
            + "correct issuer, or set the endpoints",
            Assert.IsType<Renewal.Transient>(Results.Failure(await Find(Metadata()))).Reason);
    }

    [Fact]
    public async Task An_issuer_without_TLS_may_have_endpoints_without_TLS()
    {
        http.Expect(HttpStatusCode.OK, """{"issuer":"http://127.0.0.1:1","token_endpoint":"http://127.0.0.1:1/t"}""");

        Assert.Equal("http://127.0.0.1:1/t", Results.Value(await Find(Metadata("http://127.0.0.1:1"))).AbsoluteUri);
    }

    [Fact]
    public async Task A_renewal_that_cannot_read_the_metadata_keeps_the_token_and_sends_it_later()
    {
        http.Expect(HttpStatusCode.BadGateway).Expect(HttpStatusCode.OK, Document).Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        var endpoint = new TokenEndpoint(http.Client, Metadata().Endpoint("token_endpoint"), new OAuthClient("app", null), time);
        using var bench = await new TokenManagerBench(
            new MemoryStore(TokenManagerBench.Some(time)), time, grant: new RefreshTokenGrant(endpoint, time)).Loaded();

        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal("access-0", Assert.IsType<TokenState.Active>(bench.State).Held.AccessToken?.Reveal());
        await bench.TokenManager.RenewAsync(null, Cancellation);

        Assert.Equal("access-1", bench.Access);
        Assert.Equal("https://token.example/t", Requested.Last());
    }

    [Fact]
    public async Task After_a_failed_request_the_metadata_is_requested_again()
    {
        http.Expect(HttpStatusCode.OK, Document).Expect(HttpStatusCode.NotFound)
            .Expect(HttpStatusCode.OK, Document.Replace("/t\"", "/moved\"", StringComparison.Ordinal))
            .Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        var endpoint = new TokenEndpoint(http.Client, Metadata().Endpoint("token_endpoint"), new OAuthClient("app", null), time);

        Assert.IsType<Renewal.Transient>(await endpoint.RequestAsync([], Cancellation));
        Assert.IsType<Renewal.Renewed>(await endpoint.RequestAsync([], Cancellation));

        Assert.Equal("https://token.example/moved", Requested.Last());
    }

    [Theory]
    [InlineData("authorization_pending")]
    [InlineData("invalid_grant")]
    public async Task After_an_error_of_OAuth_the_metadata_is_not_requested_again(string error)
    {
        http.Expect(HttpStatusCode.OK, Document).Expect(HttpStatusCode.BadRequest, $$"""{"error":"{{error}}"}""")
            .Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        var endpoint = new TokenEndpoint(http.Client, Metadata().Endpoint("token_endpoint"), new OAuthClient("app", null), time);

        await endpoint.RequestAsync([], Cancellation);

        Assert.IsType<Renewal.Renewed>(await endpoint.RequestAsync([], Cancellation));
    }

    [Theory]
    [InlineData("", null, false)]
    [InlineData("", "https://evil.example", true)]
    [InlineData(""","authorization_response_iss_parameter_supported":true""", null, true)]
    [InlineData(""","authorization_response_iss_parameter_supported":true""", "https://id.example/realm", false)]
    public async Task A_callback_needs_an_issuer_only_if_the_server_announces_it(string announced, string? sent, bool isWrong)
    {
        http.Expect(HttpStatusCode.OK, Document[..^1] + announced + "}");
        var metadata = Metadata();
        var endpoint = new TokenEndpoint(http.Client, metadata.Endpoint("token_endpoint"), new OAuthClient("app", null), time);
        var grant = new AuthorizationCodeGrant(endpoint, metadata.Endpoint("authorization_endpoint"), ["read"])
        {
            Metadata = metadata,
            ExtraParameters = [KeyValuePair.Create("prompt", "log in")],
        };

        var request = Results.Value(await grant.BeginAsync(new Uri("http://localhost/auth/callback"), Cancellation));

        Assert.StartsWith("https://id.example/a?response_type=code&client_id=app&", request.Address.AbsoluteUri, StringComparison.Ordinal);
        Assert.EndsWith("&prompt=log%20in", request.Address.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(isWrong, AuthorizationCodeGrant.HasWrongIssuer(new AuthorizationResponse("code", request.State, sent, null, null), request));
    }

    private static Task<Result<Uri, Renewal>> Find(ServerMetadata metadata) => metadata.Endpoint("token_endpoint").FindAsync(Cancellation);

    private ServerMetadata Metadata(string issuer = "https://id.example/realm") => new(http.Client, new Uri(issuer), time);
}
