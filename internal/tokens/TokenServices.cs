using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tokens;

/// <summary>Adds tokens to a service collection.</summary>
public static class TokenServices
{
    /// <summary>
    /// Starts the registration of accounts. Uses a registered <see cref="TimeProvider"/>, by default the system's, and a registered
    /// <see cref="ILoggerFactory"/>, by default none. In a host, renews tokens until the host stops.
    /// </summary>
    public static TokensBuilder AddTokens(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RenewalRateLimiter>();
        services.TryAddSingleton(provider => new TokenRefresh(
            provider.GetRequiredService<TimeProvider>(), provider.GetService<ILoggerFactory>()?.CreateLogger<RefreshLoop>()));
        services.AddHostedService(provider => provider.GetRequiredService<TokenRefresh>());
        return new TokensBuilder(services);
    }
}

/// <summary>Registers accounts and clients. Not thread-safe, like the service collection.</summary>
public sealed class TokensBuilder(IServiceCollection services)
{
    /// <summary>
    /// Adds a <see cref="TokenManager"/> with the key <paramref name="name"/>; the first one also without a key. From its first use, its token
    /// is renewed before it expires. Dispose of the container asynchronously, so that a renewal in flight is saved.
    /// </summary>
    /// <param name="store">Where the token is stored; by default in memory.</param>
    public TokensBuilder AddAccount(
        string name, Func<IServiceProvider, IGrant> grant, Func<IServiceProvider, ITokenStore>? store = null, TokenManagerOptions? options = null)
    {
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var manager = new TokenManager(
                name,
                grant(provider),
                store?.Invoke(provider) ?? new MemoryStore(),
                options ?? new TokenManagerOptions { RenewalRateLimiter = provider.GetRequiredService<RenewalRateLimiter>() },
                provider.GetRequiredService<TimeProvider>(),
                (provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger<TokenManager>());
            provider.GetRequiredService<TokenRefresh>().Add([manager]);
            return manager;
        });
        services.TryAddSingleton(provider => provider.GetRequiredKeyedService<TokenManager>(name));
        return this;
    }

    /// <summary>
    /// Adds a typed client whose requests contain the token of an account. A request throws <see cref="TokenUnavailableException"/> when there
    /// is no token. With IHttpClientFactory, add a <see cref="TokenHandler"/> to its handlers instead.
    /// </summary>
    /// <param name="account">The name in <see cref="AddAccount"/>.</param>
    /// <param name="create">Creates the client from an HTTP client whose base address is <paramref name="address"/>; one for all callers.</param>
    /// <param name="isRejected">See <see cref="TokenHandler"/>.</param>
    public TokensBuilder AddClient<TClient>(
        string account,
        Uri address,
        Func<HttpClient, TClient> create,
        Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isRejected = null)
        where TClient : class
    {
        services.AddSingleton(provider => create(new HttpClient(new TokenHandler(provider.GetRequiredKeyedService<TokenManager>(account), isRejected)
        {
            // Connections expire, so that a changed address is used.
            InnerHandler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false },
        })
        { BaseAddress = address }));
        return this;
    }
}
