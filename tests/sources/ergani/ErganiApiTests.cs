using System.Net;
using System.Text.Json;
using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

public sealed class ErganiApiTests : IDisposable
{
    private readonly StubHttp provider = new();

    /// <summary>Logged in, with a token that is valid until tomorrow. Its token requests go to <c>login.Http</c>.</summary>
    private readonly Login login = new(Login.Held("tomorrow", "tomorrow"));

    private ErganiApiClient Api => new(provider, login.Time, new ApiAccount(login.TokenManager, ErganiEnvironment.Test.Address));

    public void Dispose()
    {
        login.Dispose();
        provider.Dispose();
    }

    [Fact]
    public async Task An_expired_token_is_renewed_once_and_the_call_repeated_once()
    {
        provider.Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"))
            .Expect(HttpStatusCode.OK, """[{"id":1,"code":"A","description":"B"}]""");
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal([new ErganiEntry("A", "B")], Value(await Api.GetSubmissionsAsync(Login.Cancellation)));

        Assert.Equal(["Bearer old-access", "Bearer new-access"], Bearers());
    }

    [Fact]
    public async Task A_repeated_expiry_response_causes_no_loop()
    {
        provider.Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"))
            .Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.IsType<ApiFailure.TokenRefused>(Failure(await Api.GetSubmissionsAsync(Login.Cancellation)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("false")]
    public async Task Any_other_401_changes_neither_token_nor_store(string? header)
    {
        provider.Expect(HttpStatusCode.Unauthorized, "\"no\"", header is null ? [] : [("api-token-expired", header)]);

        var failure = Failure(await Api.GetSubmissionsAsync(Login.Cancellation));

        Assert.Equal("Ergani rejects the access token: \"no\" (HTTP 401).", Assert.IsType<ApiFailure.TokenRefused>(failure).Reason);
        Assert.Equal("old-access", Assert.IsType<ReadResult.Held>(await login.Store.ReadAsync(Login.Cancellation)).Token.AccessToken!.Reveal());
    }

    [Fact]
    public async Task A_service_is_executed_by_code_and_parameters()
    {
        provider.Expect(HttpStatusCode.OK, """{"EX_BASE_04":{}}""");

        await Api.ExecuteServiceAsync("EX_BASE_04", [new("ReportYear", "2026"), new("ReportMonth", "11")], Login.Cancellation);

        var (request, body) = provider.Calls.Single();
        Assert.Equal("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/WebServices/ExecuteService", request.RequestUri!.AbsoluteUri);
        Assert.Equal(
            """
            {"ServiceCode":"EX_BASE_04","Parameters":[
            {"ParameterName":"ReportYear","ParameterValue":"2026"},{"ParameterName":"ReportMonth","ParameterValue":"11"}]}
            """.ReplaceLineEndings(""), body);
    }

    [Fact]
    public async Task A_logout_sends_the_refresh_token_as_a_bare_string_and_removes_it()
    {
        await login.UseAsync();
        provider.Expect(HttpStatusCode.OK);

        Assert.True(Value(await Api.LogOutAsync(new Secret("old-refresh"), Login.Cancellation)));

        var (request, body) = provider.Calls.Single();
        Assert.Equal("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/Authentication/Logout", request.RequestUri!.AbsoluteUri);
        Assert.Equal(("POST", "\"old-refresh\"", "application/json", "Bearer old-access"),
            (request.Method.Method, body, request.Content!.Headers.ContentType!.ToString(), request.Headers.Authorization!.ToString()));
        Assert.IsType<ReadResult.LoggedOut>(await login.Store.ReadAsync(Login.Cancellation));
        Assert.Null(await login.UseAsync());
    }

    [Fact]
    public async Task A_logout_leaves_no_token_from_a_concurrent_renewal()
    {
        await login.UseAsync();
        login.Http.Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, Login.Answer()));
        Task? renewing = null;
        provider.Expect(async (_, _, _) =>
        {
            renewing = login.TokenManager.RenewAsync(null, Login.Cancellation);
            // Lets the renewal run as far as possible, because there is no event to wait for.
            for (var i = 0; i < 1000 && login.Http.Calls.Count == 0; i++)
            {
                await Task.Yield();
            }
            return StubHttp.Answer(HttpStatusCode.OK, "");
        });

        Assert.True(Value(await Api.LogOutAsync(new Secret("old-refresh"), Login.Cancellation)));
        await renewing!;

        Assert.Empty(login.Http.Calls);
        Assert.Null(login.TokenManager.Snapshot.State.Token);
    }

    [Fact]
    public async Task A_logout_that_Ergani_rejects_still_removes_the_token()
    {
        await login.UseAsync();
        provider.Expect(HttpStatusCode.ServiceUnavailable);

        Assert.IsType<ApiFailure.Unavailable>(Failure(await Api.LogOutAsync(new Secret("old-refresh"), Login.Cancellation)));

        Assert.IsType<ReadResult.LoggedOut>(await login.Store.ReadAsync(Login.Cancellation));
    }

    [Fact]
    public async Task A_logout_of_another_token_keeps_the_accounts_token()
    {
        await login.UseAsync();
        provider.Expect(HttpStatusCode.OK);

        Assert.True(Value(await Api.LogOutAsync(new Secret("another-token"), Login.Cancellation)));

        Assert.NotNull(await login.UseAsync());
    }

    [Theory]
    [InlineData("""[{"\ud800":1,"code":"A","description":"B"}]""", "B")]
    [InlineData("""[{"code":"A","description":"\ud800"}]""", null)]
    [InlineData("""["A", null]""", null)]
    public async Task An_entry_in_an_unexpected_form_affects_no_other(string body, string? description)
    {
        provider.Expect(HttpStatusCode.OK, body);

        Assert.Equal([new ErganiEntry("A", description)], Value(await Api.GetSubmissionsAsync(Login.Cancellation)));
    }

    [Theory]
    [InlineData(400, "\"\\ud800\"", "rejected", "Ergani rejects the request: HTTP 400.")]
    [InlineData(400, """{"message":"First\\nSecond"}""", "rejected", "Ergani rejects the request: \"First; Second\" (HTTP 400).")]
    [InlineData(400, "\"Only text\"", "rejected", "Ergani rejects the request: \"Only text\" (HTTP 400).")]
    [InlineData(403, "", "rejected", "Ergani rejects the request: HTTP 403.")]
    [InlineData(429, "{}", "rate_limited", "Ergani limits the rate of requests: HTTP 429.")]
    [InlineData(500, "<html>", "unavailable", "Ergani has a problem: HTTP 500.")]
    [InlineData(302, "", "unavailable", "Ergani redirects the request: HTTP 302. Check the environment's address.")]
    [InlineData(200, "<html>", "unavailable", "Ergani returned an unexpected response: HTTP 200 with another body. Check the environment's address.")]
    [InlineData(200, "{}", "unavailable", "Ergani returned an unexpected response: HTTP 200 with another body. Check the environment's address.")]
    public async Task Each_response_is_classified(int status, string body, string kind, string reason)
    {
        provider.Expect((HttpStatusCode)status, body, ("Retry-After", "7"));

        var failure = Failure(await Api.GetSubmissionsAsync(Login.Cancellation));

        Assert.Equal((kind, reason), (failure.Kind, failure.Reason));
        Assert.Equal(status == 200 ? null : TimeSpan.FromSeconds(7), failure.RetryAfter);
    }

    [Fact]
    public async Task A_timeout_is_reported()
    {
        provider.ExpectSilence();
        var read = Api.GetSubmissionsAsync(Login.Cancellation);
        await login.Time.AdvanceUntilAsync(() => read.IsCompleted, TimeSpan.FromSeconds(30));
        Assert.Equal("Ergani did not respond in time.", Failure(await read).Reason);

        // A call that is not a read has no shorter timeout and is not retried.
        provider.ExpectSilence();
        var call = Api.ExecuteServiceAsync("EX_BASE_01", [], Login.Cancellation);
        var began = login.Time.GetTimestamp();
        await login.Time.AdvanceUntilAsync(() => call.IsCompleted, TimeSpan.FromSeconds(95));
        Assert.Equal("Ergani did not respond within 90 s.", Failure(await call).Reason);
        Assert.True(login.Time.GetElapsedTime(began) >= TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task A_network_failure_is_reported()
    {
        provider.Otherwise((_, _) => throw new HttpRequestException("Connection refused"));
        var answer = Api.GetSubmissionsAsync(Login.Cancellation);
        await login.Time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));

        Assert.Equal("Ergani cannot be reached: Connection refused.", Failure(await answer).Reason);
        Assert.Equal(3, provider.Calls.Count);
    }

    private IEnumerable<string> Bearers()
    {
        // Both attempts use one request object, with the second header. The refresh contains the first token.
        yield return $"Bearer {JsonDocument.Parse(login.Http.Calls.Single().Body).RootElement.GetProperty("AccessToken").GetString()}";
        yield return provider.Calls[^1].Request.Headers.Authorization!.ToString();
    }

    private static T Value<T>(Result<T, ApiFailure> answer) => Results.Value(answer);

    private static ApiFailure Failure<T>(Result<T, ApiFailure> answer) => Results.Failure(answer);
}
