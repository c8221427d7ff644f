using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Webex;

/// <summary>The Webex token manager's files, and the address of Webex.</summary>
public sealed record WebexTokensOptions
{
    /// <summary>The service app, the personal access token and the integration. A relative path starts at the working directory.</summary>
    public string ConfigFile { get; init; } = WebexDefaults.ConfigFileName;

    /// <summary>The <c>.env</c> file for the service app's token. Created if missing.</summary>
    public string EnvFile { get; init; } = WebexDefaults.EnvFileName;

    /// <summary>The base address of Webex's API.</summary>
    public Uri Api { get; init; } = WebexDefaults.Api;

    /// <summary>For token requests; must not follow redirects and is not disposed of. Null creates one.</summary>
    public HttpClient? Http { get; init; }
}

/// <summary>
/// The token of a service app, for a C# program that uses the Webex token manager's files. Renews the token through all levels and saves it
/// in these files. Safe for concurrent use, and next to a running exporter that uses the same files.
/// </summary>
/// <remarks>
/// This class renews on demand. To renew before the token expires, pass <see cref="ServiceApp"/> and <see cref="Personal"/> to
/// <see cref="RefreshLoop"/>.
/// </remarks>
public sealed class WebexTokens : IAsyncDisposable
{
    private readonly WebexTokenChain chain;
    private readonly HttpClient http;
    private readonly WebexTokensOptions options;
    private readonly TimeProvider time;

    public WebexTokens(WebexTokensOptions options, TimeProvider time, ILoggerFactory? logging = null)
    {
        (this.options, this.time) = (options, time);
        http = options.Http ?? TokenEndpoint.CreateHttp();
        var config = new TokenConfig(Path.GetFullPath(options.ConfigFile), ServiceAppSettings.None);
        chain = new WebexTokenChain(
            new("webex", config, null, options.Api, WebexDefaults.LoopbackRedirect, [WebexDefaults.ApplicationsToken], "exporter login"),
            new FileStore(Path.GetFullPath(options.EnvFile), [new DotEnvTokenFormat()], time),
            new FileStore(config.Path, [new TokenConfigFormat()], time),
            new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, http, time, logging ?? NullLoggerFactory.Instance);
    }

    /// <summary>Manages the service app's token.</summary>
    public TokenManager ServiceApp => chain.ServiceApp;

    /// <summary>Manages the personal access token.</summary>
    public TokenManager Personal => chain.Personal;

    /// <summary>The four ways to get the service app's token, in the order in which they are tried, as of now.</summary>
    public IReadOnlyList<TokenLevel> Levels => chain.Levels.At(time.GetUtcNow());

    /// <summary>Reads both files. The other methods do this at their first call.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await Personal.LoadAsync(cancellationToken);
        await ServiceApp.LoadAsync(cancellationToken);
    }

    /// <summary>The service app's token, renewed if it has expired. If it is null, <see cref="ServiceApp"/>'s snapshot contains the reason.</summary>
    public async Task<Token?> GetTokenAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return await ServiceApp.GetTokenAsync(cancellationToken);
    }

    /// <summary>
    /// The counterpart of the token manager's <c>is_token_valid()</c>: sends <c>GET /v1/dataSources</c> with the stored token and renews
    /// nothing. A network failure does not make the token invalid.
    /// </summary>
    public async Task<TokenCheck> IsTokenValidAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return ServiceApp.Snapshot.State.Token?.AccessToken is { } token
            ? await new TokenProbe(http, options.Api, time).CheckServiceAppTokenAsync(token, cancellationToken)
            : new TokenCheck.Invalid($"there is no token in {ServiceApp.StoreLocation}");
    }

    /// <summary>
    /// The counterpart of <c>refresh_token()</c>: renews now, whatever the token's age, with the first level that works. Concurrent calls
    /// share one renewal.
    /// </summary>
    /// <returns>The result; it is a success if the state is active and has no failed renewals.</returns>
    public async Task<TokenSnapshot> RefreshTokenAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        return await ServiceApp.RenewAsync(null, cancellationToken);
    }

    /// <summary>Waits for a renewal in progress, and saves a token that is only in memory.</summary>
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

/// <summary>The defaults of the Webex token manager.</summary>
internal static class WebexDefaults
{
    public const string EnvFileName = ".env";
    public const string ConfigFileName = "token-config.json";

    /// <summary>The scope that a personal access token needs to create a service app's token.</summary>
    public const string ApplicationsToken = "spark:applications_token";

    public static readonly Uri Api = new("https://webexapis.com");

    public static readonly Uri LoopbackRedirect = new("http://localhost:3000/callback");
}
