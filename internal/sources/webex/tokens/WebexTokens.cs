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

    /// <summary>The name of the account, for the log.</summary>
    internal string Account { get; init; } = "webex";

    /// <summary>Override the fields of the service app in the file.</summary>
    internal JsonMembers ServiceApp { get; init; } = JsonMembers.Empty;

    /// <summary>The integration to log in to; null uses the file's.</summary>
    internal OAuthClient? Integration { get; init; }
    internal Uri RedirectUri { get; init; } = WebexDefaults.LoopbackRedirect;
    internal IReadOnlyList<string> Scopes { get; init; } = [WebexDefaults.ApplicationsToken];
    internal string LoginCommand { get; init; } = "oauth-exporter login";

    /// <summary>For the service app's token; null uses <see cref="EnvFile"/>.</summary>
    internal ITokenStore? Store { get; init; }

    /// <summary>For the personal access token; null uses <see cref="ConfigFile"/>.</summary>
    internal ITokenStore? PersonalStore { get; init; }
    internal TokenManagerOptions? TokenOptions { get; init; }

    /// <summary>See <see cref="TokenEndpoint"/>.</summary>
    internal Action<HttpRequestMessage>? Prepare { get; init; }

    internal TokenConfig Config => new(Path.GetFullPath(ConfigFile), ServiceApp);
}

/// <summary>
/// The token of a service app, for a C# program that uses the Webex token manager's files. Renews the token through all levels and saves it
/// in these files: it depends on the personal access token, which depends on an integration, which you log in to. Safe for concurrent use,
/// and next to a running exporter that uses the same files.
/// </summary>
/// <remarks>
/// This class renews on demand. To renew before the token expires, pass <see cref="ServiceApp"/> and <see cref="Personal"/> to
/// <see cref="RefreshLoop"/>.
/// </remarks>
public sealed class WebexTokens : IAsyncDisposable
{
    private readonly PersonalTokenGrant personalGrant;
    private readonly Func<OAuthClient?> loginClient;
    private readonly WebexLevels levels;
    private readonly TokenProbe probe;
    private readonly HttpClient? ownHttp;
    private readonly TimeProvider time;

    public WebexTokens(WebexTokensOptions options, TimeProvider time, ILoggerFactory? logging = null)
    {
        this.time = time;
        ownHttp = options.Http is null ? TokenEndpoint.CreateHttp() : null;
        var (http, loggers) = (options.Http ?? ownHttp!, logging ?? NullLoggerFactory.Instance);
        var log = loggers.CreateLogger<TokenManager>();
        probe = new TokenProbe(http, options.Api, time, options.Prepare);
        var config = options.Config;
        var managerOptions = options.TokenOptions ?? new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        loginClient = () => options.Integration ?? ClientOf(Personal!.Snapshot.State.Token) ?? config.Integration();

        // A refresh token belongs to the integration in the file; a login is for the configured one.
        OAuthClient? RenewalClient(Token? token) => ClientOf(token) ?? options.Integration;
        TokenEndpoint Endpoint(Func<OAuthClient?> client, Func<TokenError, Renewal> classify) =>
            WebexError.Endpoint(http, new Uri(options.Api, "/v1/access_token"), client, time, options.Prepare, classify);
        personalGrant = new PersonalTokenGrant(
            Endpoint(() => RenewalClient(Personal?.Snapshot.State.Token), WebexError.Classify), RenewalClient, probe, time);
        var personalStore = options.PersonalStore ?? new FileStore(config.Path, [new TokenConfigFormat()], time);
        Personal = new TokenManager($"{options.Account}, personal access token", personalGrant, personalStore, managerOptions, time, log);

        var grant = new ServiceAppGrant(options.Account, config.ServiceApp, Personal, http, options.Api, time, log, options.Prepare);
        var store = options.Store ?? new FileStore(Path.GetFullPath(options.EnvFile), [new DotEnvTokenFormat()], time);
        ServiceApp = new TokenManager(options.Account, grant, store, managerOptions, time, log);
        Login = new AuthorizationCodeGrant(
            Endpoint(loginClient, WebexError.ClassifyLogin), new Uri(options.Api, "/v1/authorize"), options.Scopes, redirectUri: options.RedirectUri);
        levels = new WebexLevels(options.LoginCommand, grant, ServiceApp, personalGrant, Personal);
    }

    /// <summary>Manages the service app's token.</summary>
    public TokenManager ServiceApp { get; }

    /// <summary>Manages the personal access token.</summary>
    public TokenManager Personal { get; }

    /// <summary>The four ways to get the service app's token, in the order in which they are tried, as of now.</summary>
    public IReadOnlyList<TokenLevel> Levels => LevelsAt(time.GetUtcNow());

    /// <summary>The login to the integration.</summary>
    internal AuthorizationCodeGrant Login { get; }

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
            ? await probe.CheckServiceAppTokenAsync(token, cancellationToken)
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
        ownHttp?.Dispose();
    }

    internal IReadOnlyList<TokenLevel> LevelsAt(DateTimeOffset now) => levels.At(ServiceApp.Snapshot.State, now);

    /// <summary>The number of levels left before you must log in.</summary>
    /// <param name="own">The state of the service app's token.</param>
    internal int CountLevelsLeft(TokenState own, DateTimeOffset now) => levels.At(own, now).SkipLast(1).Count(level => level.IsAvailable);

    /// <summary>Adopts the integration's tokens or a personal access token, and renews the service app's token with them if it needs that.</summary>
    internal async Task AdoptAsync(Token login, CancellationToken cancellationToken)
    {
        // Keep the client with the refresh token, for the next renewal.
        var client = login.RefreshToken is null ? null : loginClient();
        var token = client is null ? login : login with
        {
            Members = login.Members.With(TokenConfigFormat.ClientId, client.Id).With(TokenConfigFormat.ClientSecret, client.Secret?.Reveal()),
        };
        await Personal.AdoptAsync(
            current => token.RefreshToken is not null ? token
                // A pasted token. The integration stays as it is.
                : token with { RefreshToken = current?.RefreshToken, RefreshExpiresAt = current?.RefreshExpiresAt },
            cancellationToken);
        if (ServiceApp.Snapshot.State is not TokenState.Active { FailedRenewals: 0 })
        {
            await ServiceApp.RenewAsync(null, cancellationToken);
        }
    }

    /// <summary>Checks a pasted personal access token at Webex, and adopts it if it is valid and accepted.</summary>
    internal async Task<Renewal> TryAsync(Secret pasted, Func<Token, Task<bool>> accepts, CancellationToken cancellationToken)
    {
        switch (await personalGrant.CheckAsync(pasted, cancellationToken))
        {
            case TokenCheck.Valid(var expiry):
                var token = new Token { AccessToken = pasted, ExpiresAt = expiry };
                if (await accepts(token))
                {
                    await AdoptAsync(token, cancellationToken);
                }
                return new Renewal.Renewed(token);
            case TokenCheck.Invalid(var reason):
                return new Renewal.InvalidGrant($"{reason}; copy it again from developer.webex.com");
            case TokenCheck.Unknown(var kind, var reason, var retryAfter):
                return new Renewal.Transient(kind, reason, retryAfter);
            default:
                throw new InvalidOperationException("unknown check result");
        }
    }

    /// <summary>The persons of the current personal access token and of a new one; null if Webex does not say.</summary>
    internal async Task<(string? Before, string? After)> FindPersonsAsync(Token login, CancellationToken cancellationToken)
    {
        var current = Personal.Snapshot.State.Token;
        var before = current?.IsUsable(time.GetUtcNow()) == true ? await probe.FindPersonAsync(current.AccessToken!, cancellationToken) : null;
        return (before, before is null ? null : await probe.FindPersonAsync(login.AccessToken!, cancellationToken));
    }

    private static OAuthClient? ClientOf(Token? token) =>
        token?.Members.Text(TokenConfigFormat.ClientId) is { } id && token.Members.Text(TokenConfigFormat.ClientSecret) is { } secret
            ? new OAuthClient(id, new Secret(secret))
            : null;
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
