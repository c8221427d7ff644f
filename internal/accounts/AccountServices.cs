using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter.Accounts;

public static class AccountServices
{
    /// <summary>The key of the HTTP client for token requests: no redirects, no retries, no logs.</summary>
    internal const string TokenHttp = "tokens";

    /// <summary>
    /// Registers the sources and the services that the accounts of each share. Uses a registered <see cref="TimeProvider"/>, otherwise the
    /// system's. Requires a registered <c>ILoggerFactory</c>.
    /// </summary>
    public static IServiceCollection AddSources(this IServiceCollection services, IEnumerable<ISource> sources)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ApiMetrics>();
        services.AddHttpClient(TokenHttp).ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .UseSingleHandlerChain().AddHttpMessageHandler(_ => ApiCalls.CreateHandler()).AddAsKeyed(ServiceLifetime.Singleton);
        foreach (var source in sources)
        {
            services.AddSingleton(source);
            source.AddServices(services);
        }
        return services;
    }

    /// <summary>
    /// Registers the accounts as an <see cref="AccountList"/>, opened at the first use, and the <see cref="MetricsCache"/> of their
    /// metrics. In a host, <see cref="HostedAccounts"/> renews their tokens, takes their readings, and disposes them. Requires
    /// <see cref="AddSources"/> and logging.
    /// </summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IReadOnlyList<ConfiguredAccount> configured)
    {
        services.AddTokens();
        services.AddSingleton(provider => new AccountList([.. configured.Select(account => account.Open(provider))]));
        services.AddSingleton<MetricsCache>().AddSingleton<BackgroundHealth>().AddSingleton<HostedAccounts>();
        services.AddHostedService(provider => provider.GetRequiredService<HostedAccounts>());
        services.AddHostedService(provider => provider.GetRequiredService<MetricsCache>());
        return services;
    }

    /// <summary>Adds the <see cref="ConfigurationReload"/> of a host with <see cref="AddAccounts"/>.</summary>
    /// <param name="configured">The accounts that the host starts with.</param>
    /// <param name="read">Reads the configuration again.</param>
    public static IServiceCollection AddReload(
        this IServiceCollection services, IReadOnlyList<ConfiguredAccount> configured, Func<NewConfiguration> read)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<ConfigurationReload>(provider, configured, read));
        services.AddHostedService(provider => provider.GetRequiredService<ConfigurationReload>());
        return services;
    }

    internal static Account Open(this ConfiguredAccount account, IServiceProvider provider) => account.Open(
        new TokenManagerOptions { RenewalRateLimiter = provider.GetRequiredService<RenewalRateLimiter>() }, provider);
}
