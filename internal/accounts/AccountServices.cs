using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter.Accounts;

/// <summary>The sources and their accounts as services of a container.</summary>
public static class AccountServices
{
    /// <summary>
    /// Registers the sources and what the accounts of each share, such as its HTTP client. Time comes from a registered
    /// <see cref="TimeProvider"/>, by default the system's; an <c>ILoggerFactory</c> must be registered.
    /// </summary>
    public static IServiceCollection AddSources(this IServiceCollection services, IEnumerable<ISource> sources)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ApiMetrics>();
        foreach (var source in sources)
        {
            services.AddSingleton(source);
            source.AddServices(services);
        }
        return services;
    }

    /// <summary>
    /// Registers the accounts as <c>IReadOnlyList&lt;Account&gt;</c>, opened at the first use, and the <see cref="Exposition"/> of their
    /// metrics. In a host, <see cref="AccountsService"/> renews their tokens, takes their readings, and disposes of them. Needs
    /// <see cref="AddSources"/> and logging.
    /// </summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IReadOnlyList<PlannedAccount> planned)
    {
        services.AddTokens();
        services.AddSingleton<IReadOnlyList<Account>>(provider =>
        {
            var keeping = new KeeperOptions { Pace = provider.GetRequiredService<Pace>() };
            return [.. planned.Select(one => one.Open(keeping, provider))];
        });
        services.AddSingleton<Exposition>().AddSingleton<WorkHealth>().AddSingleton<AccountsService>();
        services.AddHostedService(provider => provider.GetRequiredService<AccountsService>());
        services.AddHostedService<ExpositionService>();
        return services;
    }
}
