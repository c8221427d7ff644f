using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>
/// A service app's token and what it is had with, put together: the token manager of the service app's token draws on that of the personal access
/// token, which draws on an integration, which a person logs in to.
/// </summary>
internal sealed class WebexChain
{
    private readonly PersonalGrant personalGrant;
    private readonly Func<OAuthClient?> loginClient;

    /// <param name="http">For token requests; not disposed of.</param>
    /// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
    public WebexChain(
        WebexChainParts parts, ITokenStore store, ITokenStore personalStore, TokenManagerOptions keeping, HttpClient http, TimeProvider time, ILogger logger,
        Action<HttpRequestMessage>? prepare = null)
    {
        loginClient = () => parts.Integration ?? ClientOf(Personal!.Snapshot.State.Token) ?? parts.Config.Integration();
        var token = new Uri(parts.Api, "/v1/access_token");

        // The integration of the file is the one that its refresh token was given to; a login is for the one that is configured.
        OAuthClient? Renewing(Token? held) => ClientOf(held) ?? parts.Integration;
        TokenManager? kept = null;
        personalGrant = new PersonalGrant(
            new TokenEndpoint(http, token, () => Renewing(kept?.Snapshot.State.Token), time, WebexError.Classify, prepare: prepare) { ErrorMembers = WebexError.Named },
            Renewing, new TokenProbe(http, parts.Api, time, prepare), time);
        kept = Personal = new TokenManager($"{parts.Account}, personal access token", personalGrant, personalStore, keeping, time, logger);

        var grant = new ServiceAppGrant(parts.Account, parts.Config.ServiceApp, Personal, http, parts.Api, time, logger, prepare);
        ServiceApp = new TokenManager(parts.Account, grant, store, keeping, time, logger);
        Login = new AuthorizationCodeGrant(
            new TokenEndpoint(http, token, loginClient, time, WebexError.ClassifyLogin, prepare: prepare) { ErrorMembers = WebexError.Named }, new Uri(parts.Api, "/v1/authorize"), parts.Scopes, redirectUri: parts.RedirectUri);
        Levels = new WebexLevels(parts.LoginCommand, grant, ServiceApp, personalGrant, Personal);
    }

    public TokenManager ServiceApp { get; }

    public TokenManager Personal { get; }

    public WebexLevels Levels { get; }

    /// <summary>How a person logs in to the integration.</summary>
    public AuthorizationCodeGrant Login { get; }

    /// <summary>Takes over the integration's tokens, and with them has the service app's, unless that is alive.</summary>
    public async Task AdoptAsync(Token login, CancellationToken cancellationToken)
    {
        // The next renewal is for the client that this login was for.
        var token = login.RefreshToken is not null && loginClient() is { } client
            ? login with { Members = login.Members.With(TokenConfigFormat.ClientId, client.Id).With(TokenConfigFormat.ClientSecret, client.Secret?.Reveal()) }
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

    /// <summary>A personal access token that a person brings: Webex is asked about it first. The integration stays what it is.</summary>
    public async Task<Renewal> TryAsync(Secret pasted, CancellationToken cancellationToken)
    {
        switch (await personalGrant.CheckAsync(pasted, cancellationToken))
        {
            case TokenCheck.Good(var end):
                var token = new Token { AccessToken = pasted, ExpiresAt = end };
                await AdoptAsync(held => token with { RefreshToken = held?.RefreshToken, RefreshExpiresAt = held?.RefreshExpiresAt }, cancellationToken);
                return new Renewal.Renewed(token);
            case TokenCheck.Bad(var reason):
                return new Renewal.InvalidGrant($"{reason}; copy it anew from developer.webex.com");
            case TokenCheck.Unknown(var kind, var reason, var retryAfter):
                return new Renewal.Transient(kind, reason, retryAfter);
            default:
                throw new InvalidOperationException("a check has no other outcome");
        }
    }

    private static OAuthClient? ClientOf(Token? held) => held?.Members is { } members && members.Text(TokenConfigFormat.ClientId) is { } id && members.Text(TokenConfigFormat.ClientSecret) is { } secret
        ? new OAuthClient(id, new Secret(secret))
        : null;
}

/// <summary>What a chain is made for.</summary>
/// <param name="Integration">The integration that the configuration names; null is left to the file.</param>
internal sealed record WebexChainParts(string Account, TokenConfig Config, OAuthClient? Integration, Uri Api, Uri RedirectUri, IReadOnlyList<string> Scopes, string LoginCommand);
