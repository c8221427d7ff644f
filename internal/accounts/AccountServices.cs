using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter.Accounts;

/// <summary>The sources and their accounts as services of a container.</summary>
public static class AccountServices
{
    /// <summary>The key of the one HTTP client that token requests are sent with: no redirects, no retries, no logs.</summary>
    internal const string TokenHttp = "tokens";

    /// <summary>
    /// Registers the sources and what the accounts of each share, such as its HTTP client. Time comes from a registered
    /// <see cref="TimeProvider"/>, by default the system's; an <c>ILoggerFactory</c> must be registered.
    /// </summary>
    public static IServiceCollection AddSources(this IServiceCollection services, IEnumerable<ISource> sources)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ApiMetrics>();
        services.AddHttpClient(TokenHttp).ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan).ForGood().AddHttpMessageHandler(_ => ApiCalls.CreateHandler());
        services.AddKeyedSingleton(TokenHttp, (provider, _) => provider.GetRequiredService<IHttpClientFactory>().CreateClient(TokenHttp));
        foreach (var source in sources)
        {
            services.AddSingleton(source);
            source.AddServices(services);
        }
        return services;
    }

    /// <summary>
    /// Registers the accounts as <c>IReadOnlyList&lt;Account&gt;</c>, opened at the first use, and the <see cref="MetricsCache"/> of their
    /// metrics. In a host, <see cref="HostedAccounts"/> renews their tokens, takes their readings, and disposes of them. Needs
    /// <see cref="AddSources"/> and logging.
    /// </summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IReadOnlyList<PlannedAccount> planned)
    {
        services.AddTokens();
        services.AddSingleton<IReadOnlyList<Account>>(provider =>
        {
            var keeping = new TokenManagerOptions { RenewalRateLimiter = provider.GetRequiredService<RenewalRateLimiter>() };
            return [.. planned.Select(one => one.Open(keeping, provider))];
        });
        services.AddSingleton<MetricsCache>().AddSingleton<WorkHealth>().AddSingleton<HostedAccounts>();
        services.AddHostedService(provider => provider.GetRequiredService<HostedAccounts>());
        services.AddHostedService<MetricsEncoding>();
        return services;
    }
}
