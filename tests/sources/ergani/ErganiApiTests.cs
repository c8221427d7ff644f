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

    /// <summary>Logged in, with a token that is good until tomorrow; what it calls for tokens is <c>login.Http</c>.</summary>
    private readonly Login login = new(Login.Held("tomorrow", "tomorrow"));

    private BoundErgani Api => new(provider, login.Time, new ApiAccount(login.TokenManager, ErganiEnvironment.Test.Address));

    public void Dispose()
    {
        login.Dispose();
        provider.Dispose();
    }

    [Fact]
    public async Task An_ended_token_is_renewed_once_and_the_call_repeated_once()
    {
        provider.Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true")).Expect(HttpStatusCode.OK, """[{"id":1,"code":"A","description":"B"}]""");
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.Equal([new ErganiEntry("A", "B")], Value(await Api.GetSubmissionsAsync(Login.Cancellation)));

        Assert.Equal(["Bearer old-access", "Bearer new-access"], Bearers());
    }

    [Fact]
    public async Task A_cloud_that_goes_on_saying_so_makes_no_loop()
    {
        provider.Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true")).Expect(HttpStatusCode.Unauthorized, "", ("api-token-expired", "true"));
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.IsType<ApiFailure.TokenRefused>(Failure(await Api.GetSubmissionsAsync(Login.Cancellation)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("false")]
    public async Task Any_other_401_touches_neither_token_nor_store(string? header)
    {
        provider.Expect(HttpStatusCode.Unauthorized, "\"no\"", header is null ? [] : [("api-token-expired", header)]);

        var failure = Failure(await Api.GetSubmissionsAsync(Login.Cancellation));

        Assert.Equal("Ergani does not accept the access token: \"no\" (HTTP 401).", Assert.IsType<ApiFailure.TokenRefused>(failure).Reason);
        Assert.Equal("old-access", Assert.IsType<ReadResult.Held>(await login.Store.ReadAsync(Login.Cancellation)).Token.AccessToken!.Reveal());
    }

    [Fact]
    public async Task A_service_is_asked_for_by_code_and_parameters()
    {
        provider.Expect(HttpStatusCode.OK, """{"EX_BASE_04":{}}""");

        await Api.ExecuteServiceAsync("EX_BASE_04", [new("ReportYear", "2026"), new("ReportMonth", "11")], Login.Cancellation);

        var (request, body) = provider.Calls.Single();
        Assert.Equal("https://trialv2eservices.yeka.gr/WebservicesAPI/Api/WebServices/ExecuteService", request.RequestUri!.AbsoluteUri);
        Assert.Equal(
            """{"ServiceCode":"EX_BASE_04","Parameters":[{"ParameterName":"ReportYear","ParameterValue":"2026"},{"ParameterName":"ReportMonth","ParameterValue":"11"}]}""", body);
    }

    [Fact]
    public async Task A_logout_sends_the_refresh_token_as_a_bare_string_and_forgets_here()
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
    public async Task A_logout_leaves_no_token_alive_that_a_renewal_gives_meanwhile()
    {
        await login.UseAsync();
        login.Http.Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, Login.Answer()));
        Task? renewing = null;
        provider.Expect(async (_, _, _) =>
        {
            renewing = login.TokenManager.RenewAsync(null, Login.Cancellation);
            // So that it gets as far as it may; it is no signal to us.
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
    public async Task A_logout_that_the_cloud_refuses_still_forgets_here_and_says_so()
    {
        await login.UseAsync();
        provider.Expect(HttpStatusCode.ServiceUnavailable);

        Assert.IsType<ApiFailure.Unavailable>(Failure(await Api.LogOutAsync(new Secret("old-refresh"), Login.Cancellation)));

        Assert.IsType<ReadResult.LoggedOut>(await login.Store.ReadAsync(Login.Cancellation));
    }

    [Fact]
    public async Task A_logout_of_another_token_leaves_ours_alone()
    {
        await login.UseAsync();
        provider.Expect(HttpStatusCode.OK);

        Assert.True(Value(await Api.LogOutAsync(new Secret("somebody-else's"), Login.Cancellation)));

        Assert.NotNull(await login.UseAsync());
    }

    [Theory]
    [InlineData("""[{"\ud800":1,"code":"A","description":"B"}]""", "B")]
    [InlineData("""[{"code":"A","description":"\ud800"}]""", null)]
    public async Task What_is_no_text_costs_nothing_beside_it(string body, string? description)
    {
        provider.Expect(HttpStatusCode.OK, body);

        Assert.Equal([new ErganiEntry("A", description)], Value(await Api.GetSubmissionsAsync(Login.Cancellation)));
    }

    [Theory]
    [InlineData(400, "\"\\ud800\"", "rejected", "Ergani rejects the request: HTTP 400.")]
    [InlineData(400, """{"message":"First\\nSecond"}""", "rejected", "Ergani rejects the request: \"First; Second\" (HTTP 400).")]
    [InlineData(400, "\"Only text\"", "rejected", "Ergani rejects the request: \"Only text\" (HTTP 400).")]
    [InlineData(403, "", "rejected", "Ergani rejects the request: HTTP 403.")]
    [InlineData(429, "{}", "rate_limited", "Ergani limits how often it may be asked: HTTP 429.")]
    [InlineData(500, "<html>", "unavailable", "Ergani has a problem of its own: HTTP 500.")]
    [InlineData(302, "", "unavailable", "Ergani sends us elsewhere: HTTP 302. Is the environment's address right?")]
    [InlineData(200, "<html>", "unavailable", "Ergani's answer is not the API's: HTTP 200 with another body. Is the environment's address right?")]
    [InlineData(200, "{}", "unavailable", "Ergani's answer is not the API's: HTTP 200 with another body. Is the environment's address right?")]
    public async Task Each_answer_has_its_meaning(int status, string body, string kind, string reason)
    {
        provider.Expect((HttpStatusCode)status, body, ("Retry-After", "7"));

        var failure = Failure(await Api.GetSubmissionsAsync(Login.Cancellation));

        Assert.Equal((kind, reason), (failure.Kind, failure.Reason));
        Assert.Equal(status == 200 ? null : TimeSpan.FromSeconds(7), failure.RetryAfter);
    }

    [Fact]
    public async Task Silence_is_waited_for_and_then_told()
    {
        provider.ExpectSilence();
        var read = Api.GetSubmissionsAsync(Login.Cancellation);
        await login.Time.AdvanceUntilAsync(() => read.IsCompleted, TimeSpan.FromSeconds(30));
        Assert.Equal("Ergani did not respond in time.", Failure(await read).Reason);

        // What is no read is not cut short, and not sent again.
        provider.ExpectSilence();
        var call = Api.ExecuteServiceAsync("EX_BASE_01", [], Login.Cancellation);
        var began = login.Time.GetTimestamp();
        await login.Time.AdvanceUntilAsync(() => call.IsCompleted, TimeSpan.FromSeconds(95));
        Assert.Equal("Ergani did not respond within 90 s.", Failure(await call).Reason);
        Assert.True(login.Time.GetElapsedTime(began) >= TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task Without_a_network_the_reason_is_told()
    {
        provider.Otherwise((_, _) => throw new HttpRequestException("Connection refused"));
        var answer = Api.GetSubmissionsAsync(Login.Cancellation);
        await login.Time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));

        Assert.Equal("Ergani cannot be reached: Connection refused.", Failure(await answer).Reason);
        Assert.Equal(3, provider.Calls.Count);
    }

    private IEnumerable<string> Bearers()
    {
        // One request object, sent twice: the header is that of the second sending, and the first is known by what was refreshed.
        yield return $"Bearer {JsonDocument.Parse(login.Http.Calls.Single().Body).RootElement.GetProperty("AccessToken").GetString()}";
        yield return provider.Calls[^1].Request.Headers.Authorization!.ToString();
    }

    private static T Value<T>(PollResult<T> answer) => Assert.IsType<PollResult<T>.Success>(answer).Value;

    private static ApiFailure Failure<T>(PollResult<T> answer) => Assert.IsType<PollResult<T>.Failed>(answer).Failure;
}
