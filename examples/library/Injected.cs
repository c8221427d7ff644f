using Exporter.Ergani;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Examples.Library;

/// <summary>The same with dependency injection: accounts, typed clients, and IHttpClientFactory.</summary>
internal static class Injected
{
    public static async Task RunAsync(ErganiCredentials credentials, string directory)
    {
        var services = new ServiceCollection();
        services.AddSingleton(provider => new ErganiTokenDirectory(directory, provider.GetRequiredService<TimeProvider>()));
        services.AddTokens()
            .AddAccount(
                "ergani",
                provider => new ErganiGrant(
                    credentials,
                    provider.GetRequiredKeyedService<HttpClient>("tokens"),
                    provider.GetRequiredService<TimeProvider>(),
                    $"{provider.GetRequiredService<ErganiTokenDirectory>().FileOf(credentials)}.log-ins"),
                provider => provider.GetRequiredService<ErganiTokenDirectory>().StoreOf(credentials))
            .AddClient("ergani", credentials.Environment.Address, http => new LookupClient(http));
        services.AddKeyedSingleton("tokens", (_, _) => TokenEndpoint.CreateHttp());

        services.AddHttpClient("by-factory", http => http.BaseAddress = credentials.Environment.Address)
            .AddHttpMessageHandler(provider => new TokenHandler(provider.GetRequiredKeyedService<TokenManager>("ergani")));

        await using var provider = services.BuildServiceProvider();
        Console.WriteLine($"injected: {await provider.GetRequiredService<LookupClient>().LengthAsync(CancellationToken.None) > 2}");
        using var byFactory = provider.GetRequiredService<IHttpClientFactory>().CreateClient("by-factory");
        using var response = await byFactory.GetAsync("WebServices/ServicesList");
        Console.WriteLine($"by factory: {(int)response.StatusCode}");
        Console.WriteLine($"state: {provider.GetRequiredService<TokenManager>().Snapshot.State.GetType().Name}");
    }

    /// <summary>Your own client. It needs no code for tokens.</summary>
    private sealed class LookupClient(HttpClient http)
    {
        public async Task<int> LengthAsync(CancellationToken cancellationToken) =>
            (await http.GetStringAsync("Lookup/Submissions", cancellationToken)).Length;
    }
}
