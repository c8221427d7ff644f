using System.Net;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging.Abstractions;
using Polly;
using Polly.Telemetry;
using Refit;

namespace Exporter.Accounts;

/// <summary>Registers the API client of a source: one for all its accounts.</summary>
public static class ApiClients
{
    /// <summary>For one try of a read.</summary>
    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(25);

    /// <summary>Refit requires a base address; <see cref="ApiAccountHandler"/> replaces it with the account's.</summary>
    private static readonly Uri PlaceholderAddress = new("https://account.invalid/");

    /// <summary>
    /// Registers the Refit client of <typeparamref name="T"/> as a singleton. From the outside in: the account's address and the limits, the
    /// account's token, retries of reads, the account's budget, counters of calls, the network. Uses a registered <see cref="TimeProvider"/>.
    /// </summary>
    /// <param name="source">The source's name; also the key of the HTTP client.</param>
    /// <param name="json">Reads responses and writes request bodies.</param>
    /// <param name="isTokenRejected">Whether a response rejects the access token; see <see cref="TokenHandler"/>.</param>
    /// <returns>A builder. Handlers that are added to it run last before the network.</returns>
    public static IHttpClientBuilder AddApiClient<T>(
        this IServiceCollection services, string source, JsonSerializerContext json,
        Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isTokenRejected = null)
        where T : class
    {
        services.AddSingleton(provider => provider.GetRequiredKeyedService<T>(source));
        return services.AddKeyedRefitGeneratedClient<T>(source, _ => new RefitSettings(new ApiSerializer(json)), source)
            .ConfigureHttpClient(http => http.BaseAddress = PlaceholderAddress)
            .AddApiHandlers(source, isTokenRejected);
    }

    /// <summary>Registers a keyed <see cref="HttpClient"/> with the same parts, for a source whose requests are only known at run time.</summary>
    /// <param name="source">The source's name; also the key of the HTTP client.</param>
    /// <param name="isTokenRejected">Whether a response rejects the access token; see <see cref="TokenHandler"/>.</param>
    public static IHttpClientBuilder AddApiClient(
        this IServiceCollection services, string source, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>> isTokenRejected) =>
        services.AddHttpClient(source).AddApiHandlers(source, isTokenRejected).AddAsKeyed(ServiceLifetime.Singleton);

    private static IHttpClientBuilder AddApiHandlers(
        this IHttpClientBuilder client, string source, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isTokenRejected)
    {
        client.Services.TryAddSingleton(TimeProvider.System);
        client.Services.TryAddSingleton<ApiMetrics>();
        // Telemetry may log an address, and an address may contain a secret.
        client.Services.PostConfigure<TelemetryOptions>(options => options.LoggerFactory = NullLoggerFactory.Instance);
        client.ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .UseSingleHandlerChain()
            .AddHttpMessageHandler(provider => new ApiAccountHandler(Metrics(provider).Timeouts(source), provider.GetRequiredService<TimeProvider>()))
            .AddHttpMessageHandler(_ => new TokenHandler(ApiAccount.TokenManagerOf, isTokenRejected));
        client.AddResilienceHandler("reads", (pipeline, context) =>
            Configure(pipeline, Metrics(context.ServiceProvider), source, context.ServiceProvider.GetRequiredService<TimeProvider>()));
        return client.AddHttpMessageHandler(_ => new BudgetHandler()).AddHttpMessageHandler(_ => ApiCalls.CreateHandler());

        static ApiMetrics Metrics(IServiceProvider provider) => provider.GetRequiredService<ApiMetrics>();
    }

    /// <summary>One handler chain, without logs, for the lifetime of the container. No timer replaces it: connections are renewed below it.</summary>
    internal static IHttpClientBuilder UseSingleHandlerChain(this IHttpClientBuilder client) => client
        .RemoveAllLoggers()
        .ConfigureHttpClient(http => http.DefaultRequestHeaders.UserAgent.Add(UserAgent.Product))
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        .ConfigurePrimaryHttpMessageHandler(TokenEndpoint.CreateHandler);

    /// <summary>
    /// A limit for each try, and at most two quick retries after a temporary failure. A response with Retry-After is not retried: the poller
    /// decides when to read next. Only reads are retried or cut short, because they change nothing at the provider.
    /// </summary>
    private static void Configure(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, ApiMetrics metrics, string source, TimeProvider time)
    {
        var (retried, timedOut) = (metrics.Retries(source), metrics.Timeouts(source));
        pipeline.TimeProvider = time;
        var retries = new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromSeconds(1),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldRetryAfterHeader = false,
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>().Handle<HttpRequestException>().HandleResult(response =>
                response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                && response.Headers.RetryAfter is null),
            OnRetry = _ => Count(retried),
        };
        retries.DisableForUnsafeHttpMethods();
        var limit = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = new RunningTime(time) };
        limit.AddTimeout(new HttpTimeoutStrategyOptions
        {
            TimeoutGenerator = args => new(args.Context.GetRequestMessage()?.Method == HttpMethod.Get ? LongestTry : Timeout.InfiniteTimeSpan),
            OnTimeout = _ => Count(timedOut),
        });
        pipeline.AddRetry(retries).AddPipeline(limit.Build());

        static ValueTask Count(Prometheus.Counter.Child counter)
        {
            counter.Inc();
            return default;
        }
    }
}
