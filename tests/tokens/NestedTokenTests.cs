using System.Net;
using System.Text.Json;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Token endpoints whose responses have another form than RFC 6749, such as that of Withings.</summary>
public sealed class NestedTokenTests : IDisposable
{
    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Theory]
    [InlineData("body", """{"status":0,"body":{"access_token":"access-1","refresh_token":"refresh-1","expires_in":10800}}""")]
    [InlineData("data.token", """{"data":{"token":{"access_token":"access-1","refresh_token":"refresh-1","expires_in":10800}}}""")]
    public async Task The_token_is_read_from_a_member(string path, string response)
    {
        http.Expect(HttpStatusCode.OK, response);

        var token = Assert.IsType<Renewal.Renewed>(await Endpoint(path).RequestAsync([], Cancellation)).Token;

        Assert.Equal(("access-1", "refresh-1", time.GetUtcNow() + 3 * TokenManagerBench.Hour),
            (token.AccessToken?.Reveal(), token.RefreshToken?.Reveal(), token.ExpiresAt));
    }

    [Theory]
    [InlineData("""{"access_token":"access-1"}""")]
    [InlineData("""{"body":"access-1"}""")]
    [InlineData("""{"body":{"\uD800":1}}""")]
    public async Task A_response_without_that_member_is_a_temporary_failure(string response)
    {
        http.Expect(HttpStatusCode.OK, response);

        var failed = Assert.IsType<Renewal.Transient>(await Endpoint("body").RequestAsync([], Cancellation));

        Assert.Equal(
            (FailureKind.MalformedAnswer, "the response of the token endpoint has no object body, where the token must be"),
            (failed.Kind, failed.Reason));
    }

    [Fact]
    public async Task An_error_is_read_at_the_top_of_the_response()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant","error_description":"it ended"}""");

        Assert.EndsWith("(HTTP 400, invalid_grant: it ended)",
            Assert.IsType<Renewal.InvalidGrant>(await Endpoint("body").RequestAsync([], Cancellation)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_with_a_success_status_is_temporary_and_described()
    {
        http.Expect(HttpStatusCode.OK, """{"status":503,"body":{},"message":"the token t0ps3cret is wrong"}""");

        var failed = Assert.IsType<Renewal.Transient>(
            await Endpoint("body").RequestAsync([KeyValuePair.Create("refresh_token", "t0ps3cret")], Cancellation));

        Assert.Equal(
            (FailureKind.UnknownAnswer, "the token endpoint returned an error (HTTP 200, status 503, message the token <secret> is wrong)"),
            (failed.Kind, failed.Reason));
    }

    private TokenEndpoint Endpoint(string path) => new(http.Client, new Uri("https://id.example/token"), new OAuthClient("app", null), time)
    {
        TokenAt = path,
        IsError = response => response.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Number && status.GetInt32() != 0,
    };
}
