using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Exporter.Web;

/// <summary>The web server of a program whose accounts are shared by several replicas.</summary>
public static class SharedAccountsWeb
{
    /// <summary>
    /// Replaces the start page by one of shared accounts, finds accounts in them, adds the API, and makes cookies, forms and one-time links of
    /// one replica work on all. Call it after <see cref="WebServer.CreateBuilder"/>. Requires a registered <see cref="ISharedAccounts"/> and
    /// an <see cref="AccountList"/>, which may be empty.
    /// </summary>
    public static IServiceCollection AddSharedAccounts(this IServiceCollection services, SharedKey key, ApiOptions api)
    {
        services.AddSingleton(key).AddSingleton(api);
        services.AddSingleton<ApiPaths>().AddSingleton<ApiAccess>().AddSingleton<AccountImport>();
        services.AddSingleton<SharedAccountLists>();
        services.Replace(ServiceDescriptor.Singleton<IAccountDirectory, SharedAccountDirectory>());
        services.Replace(ServiceDescriptor.Singleton<ILinkTickets, SharedLinkTickets>());
        services.RemoveAll<IWebPart>();
        return services.AddSingleton<IWebPart, SharedAccountsPage>().AddSingleton<IWebPart, AccountsApi>();
    }
}
