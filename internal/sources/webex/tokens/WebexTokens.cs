using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Webex;

/// <summary>Where the Webex token manager's files are, and what Webex is.</summary>
public sealed record WebexTokensOptions
{
    /// <summary>The service app, the personal access token and the integration. A relative path starts from the working directory.</summary>
    public string ConfigFile { get; init; } = WebexDefaults.ConfigFileName;

    /// <summary>The <c>.env</c> that the service app's token is kept in; it need not be there.</summary>
    public string EnvFile { get; init; } = WebexDefaults.EnvFileName;

    /// <summary>Another than Webex's is a stand-in.</summary>
    public Uri Api { get; init; } = WebexDefaults.Webex;

    /// <summary>For token requests; must not follow redirects. Null makes one. Not disposed of.</summary>
    public HttpClient? Http { get; init; }
}

/// <summary>
/// The token of a service app for a C# program that has the Webex token manager's files: kept, renewed through all levels, and saved where
/// that program looks for it. Safe for concurrent use, also beside a running exporter on the same files. Renews when it is asked; for
/// renewals in time, give <see cref="ServiceApp"/> and <see cref="Personal"/> to <see cref="RefreshLoop"/>.
/// </summary>
public sealed class WebexTokens : IAsyncDisposable
{
    private readonly WebexChain chain;
    private readonly HttpClient http;
    private readonly TokenProbe probe;
    private readonly WebexTokensOptions options;
    private readonly TimeProvider time;

    public WebexTokens(WebexTokensOptions options, TimeProvider time, ILogger? logger = null)
    {
        (this.options, this.time) = (options, time);
        http = options.Http ?? TokenEndpoint.CreateHttp();
        probe = new TokenProbe(http, options.Api, time);
        var config = new TokenConfig(Path.GetFullPath(options.ConfigFile), ServiceAppSettings.None);
        var parts = new WebexChainParts(
            "webex", config, null, options.Api, WebexDefaults.LoopbackRedirect, [WebexDefaults.ApplicationsToken], "exporter login");
        chain = new WebexChain(
            parts,
            new FileStore(Path.GetFullPath(options.EnvFile), [new DotEnvTokenFormat()], time),
            new FileStore(config.Path, [new TokenConfigFormat()], time),
            new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) },
            http,
            time,
            logger ?? NullLogger.Instance);
    }

    /// <summary>Keeps the service app's token.</summary>
    public TokenManager ServiceApp => chain.ServiceApp;

    /// <summary>Keeps the personal access token.</summary>
    public TokenManager Personal => chain.Personal;

    /// <summary>The four ways to the service app's token, in the order in which they are gone, at this moment.</summary>
    public IReadOnlyList<TokenLevel> Levels => chain.Levels.At(time.GetUtcNow());

    /// <summary>Reads both files; the first use of anything else does so as well.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await Personal.LoadAsync(cancellationToken);
        await ServiceApp.LoadAsync(cancellationToken);
    }

    /// <summary>The service app's token, renewed if it has ended; null when there is none to be had, and <see cref="ServiceApp"/>'s snapshot says why.</summary>
    public async Task<Token?> GetTokenAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return await ServiceApp.GetTokenAsync(cancellationToken);
    }

    /// <summary>
    /// The counterpart of the token manager's <c>is_token_valid()</c>: asks <c>GET /v1/dataSources</c> with the token that is stored,
    /// and renews nothing. A network that fails does not make the token invalid.
    /// </summary>
    public async Task<TokenCheck> IsTokenValidAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return ServiceApp.Snapshot.State.Token?.AccessToken is { } token
            ? await probe.AskServiceAppAsync(token, cancellationToken)
            : new TokenCheck.Bad($"there is no token in {ServiceApp.StoreLocation}");
    }

    /// <summary>
    /// The counterpart of <c>refresh_token()</c>: renews now, whatever the token's age, by the first level that works. One renewal at a time, whoever asks.
    /// </summary>
    /// <returns>What there is afterwards; an active state without failed renewals is a success.</returns>
    public async Task<TokenSnapshot> RefreshTokenAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return await ServiceApp.RenewAsync(null, cancellationToken);
    }

    /// <summary>Waits for a renewal that was sent, and saves what is only in memory.</summary>
    public async ValueTask DisposeAsync()
    {
        await ServiceApp.DisposeAsync();
        await Personal.DisposeAsync();
        if (options.Http is null)
        {
            http.Dispose();
        }
    }
}

/// <summary>What the token manager has where nothing else is said.</summary>
internal static class WebexDefaults
{
    public const string EnvFileName = ".env";
    public const string ConfigFileName = "token-config.json";

    /// <summary>Without it an integration's token is not accepted for a service app's.</summary>
    public const string ApplicationsToken = "spark:applications_token";

    public static readonly Uri Webex = new("https://webexapis.com");

    public static readonly Uri LoopbackRedirect = new("http://localhost:3000/callback");
}
