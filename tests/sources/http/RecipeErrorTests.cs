using System.Net;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>What the errors of each provider mean, in the form that it documents.</summary>
public sealed class RecipeErrorTests
{
    private const string Now = "Fri, 27 Nov 2026 12:00:00 GMT";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tado", 401, """[{"code": "unauthorized", "title": "Full authentication is required"}]""", typeof(ApiFailure.TokenRefused))]
    [InlineData("tado", 403, """[{"code": "accessDenied", "title": "current user is not allowed"}]""", typeof(ApiFailure.MissingScope))]
    [InlineData("withings", 200, """{"status": 401, "body": {}, "error": "invalid_token"}""", typeof(ApiFailure.TokenRefused))]
    [InlineData("withings", 200, """{"status": 277, "error": "Unauthorized"}""", typeof(ApiFailure.MissingScope))]
    [InlineData("withings", 200, """{"status": 601, "error": "Too many request"}""", typeof(ApiFailure.RateLimited))]
    [InlineData("withings", 200, """{"status": 522, "error": "Timeout"}""", typeof(ApiFailure.Unavailable))]
    [InlineData("withings", 200, """{"status": 503, "error": "Invalid Params"}""", typeof(ApiFailure.Rejected))]
    [InlineData("withings", 502, "<html>", typeof(ApiFailure.Unavailable))]
    [InlineData("viessmann", 401, """{"error": "EXPIRED TOKEN"}""", typeof(ApiFailure.TokenRefused))]
    [InlineData("viessmann", 403, """{"statusCode": 403, "errorType": "PACKAGE_NOT_PAID_FOR"}""", typeof(ApiFailure.MissingScope))]
    [InlineData("homeconnect", 403, """{"error": {"key": "insufficient_scope"}}""", typeof(ApiFailure.MissingScope))]
    [InlineData("homeconnect", 503, "", typeof(ApiFailure.Unavailable))]
    [InlineData("github", 401, """{"message": "Bad credentials"}""", typeof(ApiFailure.TokenRefused))]
    [InlineData("github", 403, """{"message": "Resource not accessible by personal access token"}""", typeof(ApiFailure.MissingScope))]
    [InlineData("service", 401, """{"errors": [{"status": "401", "title": "Unauthorized"}]}""", typeof(ApiFailure.TokenRefused))]
    [InlineData("service", 403, """{"errors": [{"status": "403", "title": "Forbidden"}]}""", typeof(ApiFailure.MissingScope))]
    public async Task An_error_is_recognized(string recipe, int status, string body, Type expected) =>
        Assert.IsType(expected, await FailureAsync(recipe, status, body));

    [Theory]
    [InlineData("tado", 429, "", 5904, "RateLimit", "\"perday\";r=0;t=5904")]
    [InlineData("tado", 429, "", null, "RateLimit", "\"perday\";r=0")]
    [InlineData("viessmann", 429, """{"errorType": "RATE_LIMIT_EXCEEDED", "extendedPayload": {"limitReset": 1795784400000}}""", 3600, "Date", Now)]
    [InlineData("homeconnect", 429, """{"error": {"key": "429"}}""", 70300, "Retry-After", "70300")]
    [InlineData("github", 429, """{"message": "You have exceeded a secondary rate limit"}""", 60, "Retry-After", "60")]
    [InlineData("github", 403, """{"message": "You have exceeded a secondary rate limit"}""", 60, "Retry-After", "60")]
    [InlineData(
        "github", 403, """{"message": "API rate limit exceeded"}""", 1800,
        "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795782600", "Date", Now)]
    public async Task The_time_to_wait_is_found(string recipe, int status, string body, int? seconds, params string[] headers)
    {
        var failure = Assert.IsType<ApiFailure.RateLimited>(await FailureAsync(recipe, status, body, headers));

        Assert.Equal(seconds, failure.RetryAfter?.TotalSeconds);
    }

    /// <param name="headers">Names and values in turn.</param>
    private static async Task<ApiFailure> FailureAsync(string recipe, int status, string body, params string[] headers)
    {
        using var http = new StubHttp().Expect(
            (HttpStatusCode)status, body, [.. headers.Chunk(2).Select(header => (header[0], header[1]))]);
        var reader = Modules.Reader(RecipeAnswers.Parse(recipe), http, new ManualTime(RecipeAnswers.SavedAt));
        return Results.Failure(await reader.ReadAsync(Cancellation));
    }
}
