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

        foreach (var response in new[]
        {
            await api.GetStationsData(Account, "false", Cancellation), await api.GetStationsData(Account, "true", Cancellation),
            await api.GetHomeCoachsData(Account, Cancellation),
        })
        {
            Results.Value(NetatmoResponses.Read(response, Responses.Scope, time));
        }

        Assert.Equal(
            [
                "GET http://provider.test/prefix/api/getstationsdata?get_favorites=false",
                "GET http://provider.test/prefix/api/getstationsdata?get_favorites=true",
                "GET http://provider.test/prefix/api/gethomecoachsdata",
            ], provider.Requests);
    }

    [Theory]
    [InlineData(403, """{"error":{"code":2,"message":"Invalid access token"}}""", "token_refused",
        "Netatmo rejected the access token: \"Invalid access token\" (HTTP 403, code 2).")]
    [InlineData(403, """{"error":{"code":3,"message":"Access token expired"}}""", "token_refused",
        "Netatmo rejected the access token: \"Access token expired\" (HTTP 403, code 3).")]
    [InlineData(403, """{"error":{"code":1}}""", "token_refused", "Netatmo rejected the access token: HTTP 403, code 1.")]
    [InlineData(401, "", "token_refused", "Netatmo rejected the access token: HTTP 401.")]
    [InlineData(403, """{"error":{"code":13,"message":"Application does not have the good scope rights"}}""", "missing_scope",
        "The token lacks the scope read_station: \"Application does not have the good scope rights\" (HTTP 403, code 13)."
        + " Log in again and allow read_station.")]
    [InlineData(429, """{"error":{"code":26,"message":"Maximum api usage reached"}}""", "rate_limited",
        "Netatmo limits the request rate: \"Maximum api usage reached\" (HTTP 429, code 26).")]
    [InlineData(403, """{"error":{"code":"26","message":"User usage reached"}}""", "rate_limited",
        "Netatmo limits the request rate: \"User usage reached\" (HTTP 403, code 26).")]
    [InlineData(429, "<html>slow down</html>", "rate_limited", "Netatmo limits the request rate: HTTP 429.")]
    [InlineData(502, "<html>Bad Gateway</html>", "unavailable", "Netatmo is unavailable: HTTP 502.")]
    [InlineData(408, "", "unavailable", "Netatmo is unavailable: HTTP 408.")]
    [InlineData(200, "<html>Sign in to the hotel's network</html>", "unavailable",
        "Netatmo's response has an unexpected format: HTTP 200, HTML instead of JSON. Check api_url.")]
    [InlineData(200, "", "unavailable", "Netatmo's response has an unexpected format: HTTP 200, an empty body. Check api_url.")]
    [InlineData(200, "{}", "unavailable", "Netatmo's response has an unexpected format: HTTP 200, JSON without body.devices. Check api_url.")]
    [InlineData(200, "[1]", "unavailable", "Netatmo's response has an unexpected format: HTTP 200, a body that is not a JSON object. Check api_url.")]
    [InlineData(200, """{"error":{"code":9,"message":"Device not found"}}""", "rejected",
        "Netatmo rejected the request: \"Device not found\" (HTTP 200, code 9).")]
    [InlineData(403, """{"error":{"code":5,"message":"Application deactivated"}}""", "rejected",
        "Netatmo deactivated the app: \"Application deactivated\" (HTTP 403, code 5). See https://dev.netatmo.com/apps/.")]
    [InlineData(400, """{"error":"invalid_request"}""", "rejected", "Netatmo rejected the request: \"invalid_request\" (HTTP 400).")]
    [InlineData(400, """{"error":{"code":21,"message":"two\nlines"}}""", "rejected",
        "Netatmo rejected the request: \"two lines\" (HTTP 400, code 21).")]
    public async Task An_error_is_one_sentence(int status, string body, string kind, string reason)
    {
        var failure = await Failure(new Provider(_ => Json((HttpStatusCode)status, body)));

        Assert.Equal((kind, reason), (failure.Kind, failure.Reason));
        Assert.Null(failure.RetryAfter);
    }

    [Fact]
    public async Task A_missing_scope_is_that_of_the_request()
    {
        var api = Api(new Provider(_ => Json(HttpStatusCode.Forbidden, """{"error":{"code":13}}""")));

        var result = NetatmoResponses.Read(await api.GetHomeCoachsData(Account, Cancellation), "read_homecoach", time);

        var failed = Results.Failure(result);
        Assert.Equal("read_homecoach", Assert.IsType<ApiFailure.MissingScope>(failed).Scope);
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
    public async Task A_network_error_is_reported_with_its_cause()
    {
        var failure = await Failure(new Provider(_ =>
            throw new HttpRequestException("An error occurred while sending the request.", new IOException("Connection reset by peer."))));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo cannot be reached: Connection reset by peer."), failure);
    }

    [Fact]
    public async Task Without_a_token_no_request_is_sent()
    {
        var failure = await Failure(new Provider(_ => throw new TokenUnavailableException("there is no token: log in")));

        Assert.Equal(new ApiFailure.NoToken("No request was sent to Netatmo: there is no token: log in."), failure);
    }

    [Fact]
    public async Task A_request_without_a_response_times_out()
    {
        var result = SendAsync(new Provider(Provider.Hang), Cancellation);

        time.Advance(TimeSpan.FromSeconds(24));
        Assert.False(result.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var failed = Results.Failure(await result);
        Assert.Equal(new ApiFailure.Unavailable("Netatmo did not respond in time."), failed);
    }

    [Fact]
    public async Task A_body_that_never_ends_times_out()
    {
        var result = SendAsync(new Provider(_ => new HttpResponseMessage { Content = new StreamContent(new Drip()) }), Cancellation);

        time.Advance(ApiLimits.LongestWait - TimeSpan.FromSeconds(1));
        Assert.False(result.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var failed = Results.Failure(await result);
        Assert.Equal(new ApiFailure.Unavailable("Netatmo did not respond within 90 s."), failed);
    }

    [Fact]
    public async Task A_request_can_be_canceled()
    {
        using var caller = new CancellationTokenSource();
        var result = SendAsync(new Provider(Provider.Hang), caller.Token);

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => result);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task A_request_can_be_canceled_while_it_reads_the_body(HttpStatusCode status)
    {
        using var caller = new CancellationTokenSource();
        var body = new Drip();
        var result = SendAsync(new Provider(_ => new HttpResponseMessage(status) { Content = new StreamContent(body) }), caller.Token);
        await body.Reading.WaitAsync(Cancellation);

        await caller.CancelAsync();

        // WaitAsync uses the system's clock; nothing advances the manual clock.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => result.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, """{"body":{"devices":[]}}""", null)]
    [InlineData(HttpStatusCode.OK, "<html>", "Netatmo's response has an unexpected format: HTTP 200, HTML instead of JSON. Check api_url.")]
    [InlineData(HttpStatusCode.Forbidden, """{"error":{"code":13}}""",
        "The token lacks the scope read_station: HTTP 403, code 13. Log in again and allow read_station.")]
    public async Task An_unknown_charset_changes_nothing(HttpStatusCode status, string body, string? reason)
    {
        var result = await SendAsync(new Provider(_ =>
        {
            var response = Json(status, body);
            response.Content.Headers.Remove("Content-Type");
            response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/problem+json; charset=klingon");
            return response;
        }), Cancellation);

        Assert.Equal(reason, result.Failure?.Reason);
    }

    [Fact]
    public async Task A_transient_error_is_retried_twice_and_counted()
    {
        var provider = new Provider(_ => Json(HttpStatusCode.ServiceUnavailable, ""));
        var services = ProviderApi.Services(new NetatmoSource(), provider, time);

        var result = services.GetRequiredService<INetatmoApi>().GetStationsData(Account, "false", Cancellation);
        await time.AdvanceUntilAsync(() => result.IsCompleted, TimeSpan.FromSeconds(20));

        var failed = Results.Failure(NetatmoResponses.Read(await result, Responses.Scope, time));
        Assert.Equal("Netatmo is unavailable: HTTP 503.", failed.Reason);
        Assert.Equal(3, provider.Requests.Count);
        Assert.Equal((2d, 0d), Traffic(services));
    }

    [Fact]
    public async Task A_response_with_Retry_After_is_not_retried()
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
    public async Task A_timeout_is_counted_and_not_retried()
    {
        var provider = new Provider(Provider.Hang);
        var services = ProviderApi.Services(new NetatmoSource(), provider, time);

        var result = services.GetRequiredService<INetatmoApi>().GetStationsData(Account, "false", Cancellation);
        time.Advance(TimeSpan.FromSeconds(25));
        await result;

        Assert.Single(provider.Requests);
        Assert.Equal((0d, 1d), Traffic(services));
    }

    [Fact]
    public async Task Requests_and_responses_are_not_logged_at_any_level()
    {
        var log = new CollectedLog();
        var provider = new Provider(_ => Json(HttpStatusCode.ServiceUnavailable, """{"error":{"message":"secret-body"}}"""));
        var account = new ApiAccount(new Secret("secret-token"), new Uri("http://secret-host.test/secret-path/"));

        var api = ProviderApi.Services(new NetatmoSource(), provider, time, log).GetRequiredService<INetatmoApi>();
        var result = api.GetStationsData(account, "secret-query", Cancellation);
        await time.AdvanceUntilAsync(() => result.IsCompleted, TimeSpan.FromSeconds(20));
        await result;

        Assert.Equal(3, provider.Requests.Count);
        Assert.Empty(log.All);
    }

    [Fact]
    public async Task A_response_larger_than_16_MiB_is_rejected()
    {
        var body = new ByteArrayContent(new byte[ApiLimits.LargestBody + 1]);
        var failure = await Failure(new Provider(_ => new HttpResponseMessage { Content = body }));

        Assert.Equal(new ApiFailure.Unavailable("Netatmo's response is larger than 16 MiB."), failure);
    }

    [Theory]
    [InlineData(403, """{"error":{"code":2,"message":"Invalid access token"}}""", true)]
    [InlineData(403, """{"error":{"code":3,"message":"Access token expired"}}""", true)]
    [InlineData(403, """{"error":{"code":13,"message":"Application does not have the good scope rights"}}""", false)]
    [InlineData(403, """{"error":{"code":26,"message":"User usage reached"}}""", false)]
    [InlineData(403, "<html>", false)]
    [InlineData(400, """{"error":{"code":2}}""", true)]
    [InlineData(401, """{"error":{"code":3}}""", true)]
    [InlineData(401, """{"error":{"code":13}}""", false)]
    [InlineData(401, "", true)]
    [InlineData(406, """{"error":{"code":3}}""", true)]
    [InlineData(404, "", false)]
    [InlineData(502, """{"error":{"code":3}}""", false)]
    public async Task Only_a_401_or_code_2_or_3_rejects_the_token_and_the_body_stays_readable(int status, string body, bool rejects)
    {
        using var response = new HttpResponseMessage((HttpStatusCode)status)
        {
            Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(body))),
        };

        Assert.Equal(rejects, await NetatmoResponses.RejectsTokenAsync(response, Cancellation));
        Assert.Equal(body, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private static (double Retries, double Timeouts) Traffic(IServiceProvider services) =>
        services.GetRequiredService<ApiMetrics>() is var metrics ? (metrics.Retries("netatmo").Value, metrics.Timeouts("netatmo").Value) : default;

    private INetatmoApi Api(Provider provider) => ProviderApi.Services(new NetatmoSource(), provider, time).GetRequiredService<INetatmoApi>();

    private async Task<Result<StationsData, ApiFailure>> SendAsync(Provider provider, CancellationToken cancellationToken) =>
        NetatmoResponses.Read(await Api(provider).GetStationsData(Account, "false", cancellationToken), Responses.Scope, time);

    /// <summary>Advances the clock over the delays of retries.</summary>
    private async Task<ApiFailure> Failure(Provider provider)
    {
        var result = SendAsync(provider, Cancellation);
        await time.AdvanceUntilAsync(() => result.IsCompleted, TimeSpan.FromSeconds(20));
        return Results.Failure(await result);
    }

    private static HttpResponseMessage Json(HttpStatusCode status, string body) =>
        new(status) { Content = new StringContent(body, MediaTypeHeaderValue.Parse("application/json")) };

    private sealed class Provider(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> respond) : HttpMessageHandler
    {
        public Provider(Func<HttpRequestMessage, HttpResponseMessage> respond) : this((request, _) => Task.FromResult(respond(request))) { }

        public List<string> Requests { get; } = [];

        public static async Task<HttpResponseMessage> Hang(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            throw new InvalidOperationException("A hanging provider responded.");
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add($"{request.Method} {request.RequestUri}");
            return respond(request, cancellationToken);
        }
    }

    /// <summary>A body whose next byte never arrives.</summary>
    private sealed class Drip : MemoryStream
    {
        private readonly TaskCompletionSource reading = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when a reader waits for the body.</summary>
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
