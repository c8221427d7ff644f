using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>
/// The token managers of a service app: the service app's token depends on the personal access token, which depends on an integration,
/// which you log in to.
/// </summary>
internal sealed class WebexTokenChain
{
    private readonly PersonalTokenGrant personalGrant;
    private readonly Func<OAuthClient?> loginClient;

    /// <param name="http">For token requests; not disposed of.</param>
    /// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
    public WebexTokenChain(
        WebexTokenChainOptions options, ITokenStore store, ITokenStore personalStore, TokenManagerOptions managerOptions, HttpClient http,
        TimeProvider time, ILoggerFactory logging, Action<HttpRequestMessage>? prepare = null)
    {
        var logger = logging.CreateLogger<TokenManager>();
        loginClient = () => options.Integration ?? ClientOf(Personal!.Snapshot.State.Token) ?? options.Config.Integration();
        var address = new Uri(options.Api, "/v1/access_token");

        // A refresh token belongs to the integration in the file; a login is for the configured one.
        OAuthClient? RenewalClient(Token? token) => ClientOf(token) ?? options.Integration;
        var endpoint = new TokenEndpoint(
            http, address, () => RenewalClient(Personal?.Snapshot.State.Token), time, WebexError.Classify, prepare: prepare)
        { ErrorMembers = WebexError.MemberNames };
        personalGrant = new PersonalTokenGrant(endpoint, RenewalClient, new TokenProbe(http, options.Api, time, prepare), time);
        Personal = new TokenManager(
            $"{options.Account}, personal access token", personalGrant, personalStore, managerOptions, time, logger);

        var grant = new ServiceAppGrant(
            options.Account, options.Config.ServiceApp, Personal, http, options.Api, time, logging.CreateLogger<ServiceAppGrant>(), prepare);
        ServiceApp = new TokenManager(options.Account, grant, store, managerOptions, time, logger);
        var loginEndpoint = new TokenEndpoint(http, address, loginClient, time, WebexError.ClassifyLogin, prepare: prepare)
        {
            ErrorMembers = WebexError.MemberNames,
        };
        Login = new AuthorizationCodeGrant(loginEndpoint, new Uri(options.Api, "/v1/authorize"), options.Scopes, redirectUri: options.RedirectUri);
        Levels = new WebexLevels(options.LoginCommand, grant, ServiceApp, personalGrant, Personal);
    }

    public TokenManager ServiceApp { get; }

    public TokenManager Personal { get; }

    public WebexLevels Levels { get; }

    /// <summary>The login to the integration.</summary>
    public AuthorizationCodeGrant Login { get; }

    /// <summary>Adopts the integration's tokens, and renews the service app's token with them if it needs that.</summary>
    public async Task AdoptAsync(Token login, CancellationToken cancellationToken)
    {
        // Keep the client with the refresh token, for the next renewal.
        var token = login.RefreshToken is not null && loginClient() is { } client
            ? login with
            {
                Members = login.Members
                    .With(TokenConfigFormat.ClientId, client.Id)
                    .With(TokenConfigFormat.ClientSecret, client.Secret?.Reveal()),
            }
            : login;
        await AdoptAsync(_ => token, cancellationToken);
    }

    private async Task AdoptAsync(Func<Token?, Token> login, CancellationToken cancellationToken)
    {
        await Personal.AdoptAsync(login, cancellationToken);
        if (ServiceApp.Snapshot.State is not TokenState.Active { FailedRenewals: 0 })
        {
            await ServiceApp.RenewAsync(null, cancellationToken);
        }
    }

    /// <summary>Checks a pasted personal access token at Webex, and adopts it if it is valid. The integration stays as it is.</summary>
    public async Task<Renewal> TryAsync(Secret pasted, CancellationToken cancellationToken)
    {
        switch (await personalGrant.CheckAsync(pasted, cancellationToken))
        {
            case TokenCheck.Valid(var expiry):
                var token = new Token { AccessToken = pasted, ExpiresAt = expiry };
                await AdoptAsync(
                    current => token with { RefreshToken = current?.RefreshToken, RefreshExpiresAt = current?.RefreshExpiresAt }, cancellationToken);
                return new Renewal.Renewed(token);
            case TokenCheck.Invalid(var reason):
                return new Renewal.InvalidGrant($"{reason}; copy it again from developer.webex.com");
            case TokenCheck.Unknown(var kind, var reason, var retryAfter):
                return new Renewal.Transient(kind, reason, retryAfter);
            default:
                throw new InvalidOperationException("unknown check result");
        }
    }

    private static OAuthClient? ClientOf(Token? token) =>
        token?.Members.Text(TokenConfigFormat.ClientId) is { } id && token.Members.Text(TokenConfigFormat.ClientSecret) is { } secret
            ? new OAuthClient(id, new Secret(secret))
            : null;
}

/// <param name="Integration">The integration in the settings; null uses the file's.</param>
internal sealed record WebexTokenChainOptions(
    string Account, TokenConfig Config, OAuthClient? Integration, Uri Api, Uri RedirectUri, IReadOnlyList<string> Scopes, string LoginCommand);
