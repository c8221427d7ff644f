using System.Net;
using System.Text.Json.Serialization;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
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

    /// <summary>Refit needs a base address; <see cref="ApiAccountHandler"/> puts the account's in its place.</summary>
    private static readonly Uri OfTheAccount = new("https://account.invalid/");

    /// <summary>
    /// The Refit client of <typeparamref name="T"/> as a singleton. From the outside in: the account's address and
    /// the limits, the account's token, retries of reads, counters of calls, the network. Time comes from a registered <see cref="TimeProvider"/>.
    /// </summary>
    /// <param name="source">The source's name; also the HTTP client's and the key of the traffic.</param>
    /// <param name="json">Reads the answers and writes the bodies.</param>
    /// <param name="meansToken">Whether an answer rejects the access token; see <see cref="TokenHandler"/>.</param>
    /// <returns>What is added to it lies directly before the network.</returns>
    public static IHttpClientBuilder AddApiClient<T>(
        this IServiceCollection services, string source, JsonSerializerContext json, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? meansToken = null)
        where T : class
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ApiMetrics>();
        services.AddKeyedSingleton(source, (provider, _) => new ApiTraffic(provider.GetRequiredService<ApiMetrics>(), source));
        services.AddSingleton(provider => provider.GetRequiredKeyedService<T>(source));
        // A telemetry line may name an address, and an address may hold a secret.
        services.PostConfigure<TelemetryOptions>(options => options.LoggerFactory = NullLoggerFactory.Instance);
        var client = services.AddKeyedRefitGeneratedClient<T>(source, _ => new RefitSettings(new ApiSerializer(json)), source)
            .ConfigureHttpClient(http => (http.BaseAddress, http.Timeout) = (OfTheAccount, Timeout.InfiniteTimeSpan))
            .ForGood(DecompressionMethods.All)
            .AddHttpMessageHandler(provider => new ApiAccountHandler(provider.GetRequiredKeyedService<ApiTraffic>(source), provider.GetRequiredService<TimeProvider>()))
            .AddHttpMessageHandler(_ => new TokenHandler(ApiAccount.TokenManagerOf, meansToken));
        client.AddResilienceHandler("reads", (pipeline, context) => Configure(
            pipeline, context.ServiceProvider.GetRequiredKeyedService<ApiTraffic>(source), context.ServiceProvider.GetRequiredService<TimeProvider>()));
        return client.AddHttpMessageHandler(_ => ApiCalls.CreateHandler());
    }

    /// <summary>One chain of handlers for as long as the container lives, which logs nothing: no timer replaces it, and connections are renewed below it.</summary>
    internal static IHttpClientBuilder ForGood(this IHttpClientBuilder client, DecompressionMethods decompression = DecompressionMethods.None) => client
        .RemoveAllLoggers()
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
        {
            AutomaticDecompression = decompression,
            // An address that changes is noticed.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AllowAutoRedirect = false,
            UseCookies = false,
        });

    /// <summary>
    /// A limit for each try, and at most two quick retries of what may pass by itself. An answer with Retry-After is not retried: the poller decides
    /// about the next read. Only reads, which change nothing at the provider, are retried or cut short.
    /// </summary>
    private static void Configure(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, ApiTraffic traffic, TimeProvider time)
    {
        pipeline.TimeProvider = time;
        var retries = new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromSeconds(1),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldRetryAfterHeader = false,
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>()
                .Handle<HttpRequestException>()
                .HandleResult(r => r.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout && r.Headers.RetryAfter is null),
            OnRetry = _ =>
            {
                traffic.Retries.Inc();
                return default;
            },
        };
        retries.DisableForUnsafeHttpMethods();
        pipeline.AddRetry(retries).AddTimeout(new HttpTimeoutStrategyOptions
        {
            TimeoutGenerator = args => new(args.Context.GetRequestMessage()?.Method == HttpMethod.Get ? LongestTry : Timeout.InfiniteTimeSpan),
            OnTimeout = _ =>
            {
                traffic.Timeouts.Inc();
                return default;
            },
        });
    }
}
