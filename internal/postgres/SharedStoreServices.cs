using System.Net;

namespace Exporter.Postgres;

/// <summary>Adds the shared store to the services of a program.</summary>
public static class SharedStoreServices
{
    /// <summary>
    /// Registers a replica: it renews what is due, and serves the metrics of all accounts. Requires <see cref="AccountServices.AddSources"/> and
    /// <see cref="AccountServices.AddAccounts"/>.
    /// </summary>
    /// <param name="templates">The accounts of the configuration.</param>
    public static IServiceCollection AddSharedStore(
        this IServiceCollection services, PostgresOptions options, TokenKeys keys, IReadOnlyList<ConfiguredAccount> templates)
    {
        services.AddRows(options, keys, templates);
        services.AddSingleton(provider => new QueueMetrics(
            provider.GetRequiredService<MetricsCache>().Process, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RowSaver>().AddSingleton<RenewalWorker>().AddSingleton<PollWorker>().AddSingleton<StreamWorker>();
        services.AddSingleton<OverviewCache>().AddSingleton<SharedReadings>().AddSingleton<ReadingPages>();
        services.AddSingleton<IRequestBudgets, SharedBudgets>();
        services.AddSingleton<AttendedAccounts>().AddSingleton<ISharedAccounts, SharedAccounts>();
        services.AddSingleton<IMetricsSource, SharedMetrics>();
        services.AddSingleton<IReadiness>(provider => provider.GetRequiredService<SharedReadings>());
        // The only hosted service: it starts and ends the others in order.
        services.AddSingleton<SharedStore>().AddHostedService(provider => provider.GetRequiredService<SharedStore>());
        return services;
    }

    /// <summary>
    /// Registers <see cref="StoreAdministration"/> for a command, which renews nothing. Requires <see cref="AccountServices.AddSources"/>
    /// and logging.
    /// </summary>
    /// <param name="templates">The accounts of the configuration.</param>
    public static IServiceCollection AddStoreAdministration(
        this IServiceCollection services, PostgresOptions options, TokenKeys keys, IReadOnlyList<ConfiguredAccount> templates)
    {
        services.AddRows(options, keys, templates);
        services.AddSingleton<AdministeredRows>().AddSingleton<StoreImport>().AddSingleton<StoreExport>().AddSingleton<StoreRekey>();
        services.AddSingleton(provider => new StoreAdministration(
            provider.GetRequiredService<Migrations>(), provider.GetRequiredService<StoreImport>(), provider.GetRequiredService<StoreExport>(),
            provider.GetRequiredService<StoreRekey>()));
        return services;
    }

    /// <summary>The templates that cannot be used, a sentence each.</summary>
    /// <param name="services">A container with the services of <see cref="AccountServices.AddSources"/>.</param>
    public static IReadOnlyList<string> Problems(IReadOnlyList<ConfiguredAccount> templates, IServiceProvider services)
    {
        var problems = new List<string>();
        foreach (var template in templates)
        {
            using var account = template.OpenAs(template.Name, new MemoryStore(location: PostgresStore.Name), new TokenManagerOptions(), services);
            if (account.SharingProblem is { } reason)
            {
                problems.Add($"accounts.{template.Name}: a shared store cannot keep such accounts, because {reason}; "
                    + "run this one in an exporter of its own, and remove it here");
            }
        }
        return problems;
    }

    /// <summary>Whether the shutdown saved everything, and nothing stopped the store from working.</summary>
    public static bool IsStoreSaved(this IServiceProvider services) =>
        services.GetRequiredService<SharedStore>() is { Lost: 0, Failure: null };

    /// <summary>The database and its rows.</summary>
    private static void AddRows(
        this IServiceCollection services, PostgresOptions options, TokenKeys keys, IReadOnlyList<ConfiguredAccount> templates)
    {
        services.AddSingleton(options).AddSingleton(keys);
        services.AddSingleton(_ => Database.Open(options));
        var holder = $"{Dns.GetHostName()}-{Environment.ProcessId}";
        services.AddSingleton(provider => new AccountRows(provider.GetRequiredService<Database>(), holder));
        services.AddSingleton(provider => new ReadingRows(provider.GetRequiredService<Database>(), holder));
        services.AddSingleton(provider => new AccountTemplates(templates, provider.GetRequiredService<AccountRows>(), keys, provider));
        services.AddSingleton<Migrations>().AddSingleton<AccountCatalog>();
    }
}
