using System.Net;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Exporter.Accounts;

/// <summary>
/// What makes one read of a cloud's API robust: a time limit for each try, and at most two quick retries of what may pass by
/// itself. The poller decides about the next read. Never for token requests: a refresh token may be single-use.
/// The one file to change when Microsoft.Extensions.Http.Resilience takes its place.
/// </summary>
public static class ApiResilience
{
    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(25);

    /// <summary>The innermost handler of an API's client: the network, with retries around it.</summary>
    public static DelegatingHandler CreateHandler(TimeProvider time) => new Handler(Pipeline(time))
    {
        InnerHandler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AllowAutoRedirect = false,
            UseCookies = false,
        },
    };

    /// <summary>Puts a handler around another.</summary>
    public static DelegatingHandler Over(this DelegatingHandler outer, HttpMessageHandler inner)
    {
        outer.InnerHandler = inner;
        return outer;
    }

    private static ResiliencePipeline<HttpResponseMessage> Pipeline(TimeProvider time) =>
        new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = 2,
                Delay = TimeSpan.FromSeconds(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = new PredicateBuilder<HttpResponseMessage>()
                    .Handle<HttpRequestException>()
                    .HandleResult(r => r.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout && r.Headers.RetryAfter is null),
            })
            .AddTimeout(new TimeoutStrategyOptions { Timeout = LongestTry })
            .Build();

    private sealed class Handler(ResiliencePipeline<HttpResponseMessage> pipeline) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                // Only what changes nothing at the cloud is sent again.
                return request.Method == HttpMethod.Get
                    ? await pipeline.ExecuteAsync(async token => await base.SendAsync(request, token), cancellationToken)
                    : await base.SendAsync(request, cancellationToken);
            }
            catch (TimeoutRejectedException)
            {
                throw new TimeoutException($"no answer within {LongestTry.TotalSeconds:0} seconds");
            }
        }
    }
}
