using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tokens;

/// <summary>The token engine as services of a container.</summary>
public static class TokenServices
{
    /// <summary>
    /// Begins to register accounts. Time comes from a registered <see cref="TimeProvider"/>, by default the system's. Log lines go to a
    /// registered <see cref="ILoggerFactory"/>, by default nowhere. In a host, tokens are renewed until the host stops.
    /// </summary>
    public static TokensBuilder AddTokens(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => new RenewalRateLimiter(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new TokenRefresh(provider.GetRequiredService<TimeProvider>(), Logger(provider)));
        services.AddHostedService(provider => provider.GetRequiredService<TokenRefresh>());
        return new TokensBuilder(services);
    }

    internal static ILogger Logger(IServiceProvider provider) => (provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger("Exporter.Tokens");
}

/// <summary>Registers accounts and clients. Not thread-safe, as the collection it writes to is not.</summary>
public sealed class TokensBuilder(IServiceCollection services)
{
    /// <summary>
    /// An account: a <see cref="TokenManager"/> under the key <paramref name="name"/>, and without a key when it is the first. From the first use on its
    /// token is renewed in time, until the container is disposed of; dispose of it asynchronously, so that a renewal in flight is saved.
    /// </summary>
    /// <param name="store">Where the token outlives the process; by default nowhere, it is kept in memory.</param>
    public TokensBuilder AddAccount(
        string name, Func<IServiceProvider, IGrant> grant, Func<IServiceProvider, ITokenStore>? store = null, TokenManagerOptions? options = null)
    {
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var keeping = options ?? new TokenManagerOptions { RenewalRateLimiter = provider.GetRequiredService<RenewalRateLimiter>() };
            var manager = new TokenManager(
                name, grant(provider), store?.Invoke(provider) ?? new MemoryStore(), keeping, provider.GetRequiredService<TimeProvider>(), TokenServices.Logger(provider));
            provider.GetRequiredService<TokenRefresh>().Keep([manager]);
            return manager;
        });
        services.TryAddSingleton(provider => provider.GetRequiredKeyedService<TokenManager>(name));
        return this;
    }

    /// <summary>
    /// A typed client whose requests carry the token of an account; <see cref="TokenUnavailableException"/> where there is none. With
    /// IHttpClientFactory, add a <see cref="TokenHandler"/> to its handlers instead.
    /// </summary>
    /// <param name="account">The name it was added by.</param>
    /// <param name="create">Makes the client of an HTTP client whose base address is <paramref name="address"/>; one for all callers.</param>
    /// <param name="isTokenRejected">See <see cref="TokenHandler"/>.</param>
    public TokensBuilder AddClient<TClient>(
        string account, Uri address, Func<HttpClient, TClient> create, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isTokenRejected = null)
        where TClient : class
    {
        services.AddSingleton(provider => create(new HttpClient(new TokenHandler(provider.GetRequiredKeyedService<TokenManager>(account), isTokenRejected)
        {
            // Connections that last: an address that changes is noticed all the same.
            InnerHandler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false },
        })
        { BaseAddress = address }));
        return this;
    }
}
