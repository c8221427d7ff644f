using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Exporter.Netatmo;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Netatmo;

public class NetatmoApiTests
{
    private static readonly ApiAccount Account = new(new Secret("the-token"), new Uri("http://provider.test/prefix/"));

    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_operation_is_one_request_to_its_address()
    {
        var provider = new Provider(_ => Json(HttpStatusCode.OK, """{"body":{"devices":[]}}"""));
        var api = Api(provider);

        Assert.IsType<PollResult<StationsData>.Success>(NetatmoAnswer.Read(await api.GetStationsData(Account, "false", Cancellation), Answers.Scope, time));
        Assert.IsType<PollResult<StationsData>.Success>(NetatmoAnswer.Read(await api.GetStationsData(Account, "true", Cancellation), Answers.Scope, time));
        Assert.IsType<PollResult<StationsData>.Success>(NetatmoAnswer.Read(await api.GetHomeCoachsData(Account, Cancellation), "read_homecoach", time));

        Assert.Equal(
            [
                "GET http://provider.test/prefix/api/getstationsdata?get_favorites=false",
                "GET http://provider.test/prefix/api/getstationsdata?get_favorites=true",
                "GET http://provider.test/prefix/api/gethomecoachsdata",
            ], provider.Requests);
    }

    [Theory]
    [InlineData(403, """{"error":{"code":2,"message":"Invalid access token"}}""", "token_refused",
        "Netatmo does not accept the access token: \"Invalid access token\" (HTTP 403, code 2).")]
    [InlineData(403, """{"error":{"code":3,"message":"Access token expired"}}""", "token_refused",
        "Netatmo does not accept the access token: \"Access token expired\" (HTTP 403, code 3).")]
    [InlineData(403, """{"error":{"code":1}}""", "token_refused", "Netatmo does not accept the access token: HTTP 403, code 1.")]
    [InlineData(401, "", "token_refused", "Netatmo does not accept the access token: HTTP 401.")]
    [InlineData(403, """{"error":{"code":13,"message":"Application does not have the good scope rights"}}""", "missing_scope",
        "The token lacks the scope read_station: \"Application does not have the good scope rights\" (HTTP 403, code 13). Log in again and allow read_station.")]
    [InlineData(429, """{"error":{"code":26,"message":"Maximum api usage reached"}}""", "rate_limited",
        "Netatmo limits how often it may be asked: \"Maximum api usage reached\" (HTTP 429, code 26).")]
    [InlineData(403, """{"error":{"code":"26","message":"User usage reached"}}""", "rate_limited",
        "Netatmo limits how often it may be asked: \"User usage reached\" (HTTP 403, code 26).")]
    [InlineData(429, "<html>slow down</html>", "rate_limited", "Netatmo limits how often it may be asked: HTTP 429.")]
    [InlineData(502, "<html>Bad Gateway</html>", "unavailable", "Netatmo has a problem of its own: HTTP 502.")]
    [InlineData(408, "", "unavailable", "Netatmo has a problem of its own: HTTP 408.")]
    [InlineData(200, "<html>Sign in to the hotel's network</html>", "unavailable",
        "Netatmo's answer is not the API's: HTTP 200, a page of HTML instead of JSON. Is the API's address right?")]
    [InlineData(200, "", "unavailable", "Netatmo's answer is not the API's: HTTP 200, an empty body. Is the API's address right?")]
    [InlineData(200, "{}", "unavailable", "Netatmo's answer is not the API's: HTTP 200, JSON without body.devices. Is the API's address right?")]
    [InlineData(200, "[1]", "unavailable", "Netatmo's answer is not the API's: HTTP 200, a body that is not JSON. Is the API's address right?")]
    [InlineData(200, """{"error":{"code":9,"message":"Device not found"}}""", "rejected",
        "Netatmo rejects the request: \"Device not found\" (HTTP 200, code 9).")]
    [InlineData(403, """{"error":{"code":5,"message":"Application deactivated"}}""", "rejected",
        "Netatmo has deactivated the app: \"Application deactivated\" (HTTP 403, code 5). Look at https://dev.netatmo.com/apps/.")]
    [InlineData(400, """{"error":"invalid_request"}""", "rejected", "Netatmo rejects the request: \"invalid_request\" (HTTP 400).")]
    [InlineData(400, """{"error":{"code":21,"message":"two\nlines"}}""", "rejected",
        "Netatmo rejects the request: \"two lines\" (HTTP 400, code 21).")]
    public async Task A_refusal_is_one_sentence(int status, string body, string kind, string reason)
    {
        var failure = await Failure(new Provider(_ => Json((HttpStatusCode)status, body)));

        Assert.Equal((kind, reason), (failure.Kind, failure.Reason));
        Assert.Null(failure.RetryAfter);
    }

    [Fact]
    public async Task A_missing_scope_is_that_of_the_operation()
    {
        var api = Api(new Provider(_ => Json(HttpStatusCode.Forbidden, """{"error":{"code":13}}""")));

        var failed = Assert.IsType<PollResult<StationsData>.Failed>(NetatmoAnswer.Read(await api.GetHomeCoachsData(Account, Cancellation), "read_homecoach", time));

        Assert.Equal("read_homecoach", Assert.IsType<ApiFailure.MissingScope>(failed.Failure).Scope);
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("Sat, 21 Nov 2026 12:10:00 GMT", 600)]
    [InlineData("Sat, 21 Nov 2026 11:00:00 GMT", 0)]
    [InlineData("soon", null)]
    [InlineData("99999999999999", null)]
    public async Task Retry_After_is_seconds_or_a_date(string header, int? seconds)
    {
        var failure = await Failure(new Provider(_ =>
        {
            var response = Json(HttpStatusCode.TooManyRequests, "");
            response.Headers.TryAddWithoutValidation("Retry-After", header);
            return response;
        }));

        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, failure.RetryAfter);
    }

    [Fact]
    public async Task A_network_error_is_told_by_its_cause()
    {
        var failure = await Failure(new Provider(_ =>
            throw new HttpRequestException("An error occurred while sending the request.", new IOException("Connection reset by peer."))));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo cannot be reached: Connection reset by peer."), failure);
    }

    [Fact]
    public async Task Without_a_token_nobody_is_asked()
    {
        var failure = await Failure(new Provider(_ => throw new TokenUnavailableException("there is no token yet: somebody has to log in")));

        Assert.Equal(new ApiFailure.NoToken("No request was sent to Netatmo: there is no token yet: somebody has to log in."), failure);
    }

    [Fact]
    public async Task A_hanging_cloud_is_given_up_on()
    {
        var answer = AskAsync(new Provider(Provider.Hang), Cancellation);

        time.Advance(TimeSpan.FromSeconds(24));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo did not respond in time."), Assert.IsType<PollResult<StationsData>.Failed>(await answer).Failure);
    }

    [Fact]
    public async Task A_body_that_never_ends_is_given_up_on()
    {
        var answer = AskAsync(new Provider(_ => new HttpResponseMessage { Content = new StreamContent(new Drip()) }), Cancellation);

        time.Advance(ApiLimits.LongestWait - TimeSpan.FromSeconds(1));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo did not respond within 90 s."), Assert.IsType<PollResult<StationsData>.Failed>(await answer).Failure);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_obeyed()
    {
        using var caller = new CancellationTokenSource();
        var answer = AskAsync(new Provider(Provider.Hang), caller.Token);

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task A_caller_who_gives_up_in_mid_body_is_obeyed_at_once(HttpStatusCode status)
    {
        using var caller = new CancellationTokenSource();
        var body = new Drip();
        var answer = AskAsync(new Provider(_ => new HttpResponseMessage(status) { Content = new StreamContent(body) }), caller.Token);
        await body.Reading.WaitAsync(Cancellation);

        await caller.CancelAsync();

        // By the machine's clock: nothing moves the manual one.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, """{"body":{"devices":[]}}""", null)]
    [InlineData(HttpStatusCode.OK, "<html>", "Netatmo's answer is not the API's: HTTP 200, a page of HTML instead of JSON. Is the API's address right?")]
    [InlineData(HttpStatusCode.Forbidden, """{"error":{"code":13}}""", "The token lacks the scope read_station: HTTP 403, code 13. Log in again and allow read_station.")]
    public async Task An_unknown_charset_changes_nothing(HttpStatusCode status, string body, string? reason)
    {
        var answer = await AskAsync(new Provider(_ =>
        {
            var response = Json(status, body);
            response.Content.Headers.Remove("Content-Type");
            response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/problem+json; charset=klingon");
            return response;
        }), Cancellation);

        Assert.Equal(reason, (answer as PollResult<StationsData>.Failed)?.Failure.Reason);
    }

    [Fact]
    public async Task A_read_that_may_succeed_is_sent_twice_more_and_counted()
    {
        var provider = new Provider(_ => Json(HttpStatusCode.ServiceUnavailable, ""));
        var services = ProviderApi.Services(new NetatmoSource(), provider, time);

        var answer = services.GetRequiredService<INetatmoApi>().GetStationsData(Account, "false", Cancellation);
        await time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));

        var failed = Assert.IsType<PollResult<StationsData>.Failed>(NetatmoAnswer.Read(await answer, Answers.Scope, time));
        Assert.Equal("Netatmo has a problem of its own: HTTP 503.", failed.Failure.Reason);
        Assert.Equal(3, provider.Requests.Count);
        var metrics = services.GetRequiredService<ApiMetrics>();
        Assert.Equal((2d, 0d), (metrics.Retries("netatmo").Value, metrics.Timeouts("netatmo").Value));
    }

    [Fact]
    public async Task A_read_that_is_to_wait_is_not_repeated()
    {
        var provider = new Provider(_ =>
        {
            var response = Json(HttpStatusCode.ServiceUnavailable, "");
            response.Headers.TryAddWithoutValidation("Retry-After", "300");
            return response;
        });

        Assert.Equal(TimeSpan.FromSeconds(300), (await Failure(provider)).RetryAfter);
        Assert.Single(provider.Requests);
    }

    [Fact]
    public async Task A_try_that_takes_too_long_is_counted_and_not_repeated()
    {
        var provider = new Provider(Provider.Hang);
        var services = ProviderApi.Services(new NetatmoSource(), provider, time);

        var answer = services.GetRequiredService<INetatmoApi>().GetStationsData(Account, "false", Cancellation);
        time.Advance(TimeSpan.FromSeconds(25));
        await answer;

        Assert.Single(provider.Requests);
        var metrics = services.GetRequiredService<ApiMetrics>();
        Assert.Equal((0d, 1d), (metrics.Retries("netatmo").Value, metrics.Timeouts("netatmo").Value));
    }

    [Fact]
    public async Task Nothing_of_a_request_or_an_answer_is_logged_at_any_level()
    {
        var log = new CollectedLog();
        var provider = new Provider(_ => Json(HttpStatusCode.ServiceUnavailable, """{"error":{"message":"secret-body"}}"""));
        var account = new ApiAccount(new Secret("secret-token"), new Uri("http://secret-host.test/secret-path/"));

        var answer = ProviderApi.Services(new NetatmoSource(), provider, time, log).GetRequiredService<INetatmoApi>().GetStationsData(account, "secret-query", Cancellation);
        await time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));
        await answer;

        Assert.Equal(3, provider.Requests.Count);
        Assert.Empty(log.All);
    }

    [Fact]
    public async Task An_answer_of_16_MiB_and_a_byte_is_refused()
    {
        var failure = await Failure(new Provider(_ => new HttpResponseMessage { Content = new ByteArrayContent(new byte[ApiLimits.LargestBody + 1]) }));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo's response is larger than 16 MiB."), failure);
    }

    [Theory]
    [InlineData(403, """{"error":{"code":2,"message":"Invalid access token"}}""", true)]
    [InlineData(403, """{"error":{"code":3,"message":"Access token expired"}}""", true)]
    [InlineData(403, """{"error":{"code":13,"message":"Application does not have the good scope rights"}}""", false)]
    [InlineData(403, """{"error":{"code":26,"message":"User usage reached"}}""", false)]
    [InlineData(403, "<html>", false)]
    [InlineData(400, """{"error":{"code":2}}""", false)]
    public async Task A_fresh_token_helps_only_against_403_with_code_2_or_3_and_the_body_can_be_read_again(int status, string body, bool refuses)
    {
        using var response = new HttpResponseMessage((HttpStatusCode)status)
        {
            Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(body))),
        };

        Assert.Equal(refuses, await NetatmoAnswer.RefusesToken(response, Cancellation));
        Assert.Equal(body, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private INetatmoApi Api(Provider provider) => ProviderApi.Services(new NetatmoSource(), provider, time).GetRequiredService<INetatmoApi>();

    private async Task<PollResult<StationsData>> AskAsync(Provider provider, CancellationToken cancellationToken) =>
        NetatmoAnswer.Read(await Api(provider).GetStationsData(Account, "false", cancellationToken), Answers.Scope, time);

    /// <summary>The clock moves on while retries are waited for.</summary>
    private async Task<ApiFailure> Failure(Provider provider)
    {
        var answer = AskAsync(provider, Cancellation);
        await time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));
        return Assert.IsType<PollResult<StationsData>.Failed>(await answer).Failure;
    }

    private static HttpResponseMessage Json(HttpStatusCode status, string body) =>
        new(status) { Content = new StringContent(body, MediaTypeHeaderValue.Parse("application/json")) };

    private sealed class Provider(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        public Provider(Func<HttpRequestMessage, HttpResponseMessage> answer) : this((request, _) => Task.FromResult(answer(request))) { }

        public List<string> Requests { get; } = [];

        public static async Task<HttpResponseMessage> Hang(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            throw new InvalidOperationException("A hanging provider has answered.");
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add($"{request.Method} {request.RequestUri}");
            return answer(request, cancellationToken);
        }
    }

    /// <summary>A body whose next byte never comes.</summary>
    private sealed class Drip : MemoryStream
    {
        private readonly TaskCompletionSource reading = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when somebody waits for the body.</summary>
        public Task Reading => reading.Task;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            reading.TrySetResult();
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            return 0;
        }

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            reading.TrySetResult();
            return new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        }
    }
}
