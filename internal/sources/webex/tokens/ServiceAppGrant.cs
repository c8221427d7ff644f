using System.Net;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>A service app, with the names that the developer portal and <c>token-config.json</c> use.</summary>
/// <param name="TargetOrgId">The organization whose admin authorized the app.</param>
public sealed record ServiceApp(string AppId, string ClientId, Secret ClientSecret, string TargetOrgId);

/// <summary>
/// Renews the token of a service app with its own refresh token. When Webex rejects that for good, a personal access token creates a new
/// pair. A temporary failure uses up neither. Safe for concurrent use.
/// </summary>
/// <param name="account">The account's name, for the log.</param>
/// <param name="app">The service app at this moment, or null and a sentence that lists what is missing.</param>
/// <param name="personal">Manages the personal access token.</param>
/// <param name="http">Must not follow redirects; see <see cref="TokenEndpoint.CreateHttp"/>. Not disposed of.</param>
/// <param name="api">The base address of Webex's API.</param>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
public sealed class ServiceAppGrant(
    string account, Func<Result<ServiceApp, string>> app, TokenManager personal, HttpClient http, Uri api, TimeProvider time, ILogger logger,
    Action<HttpRequestMessage>? prepare = null) : IGrant
{
    private readonly RefreshTokenGrant refresh = new(
        WebexError.Endpoint(http, new Uri(api, "/v1/access_token"),
            () => app().Value is { } known ? new OAuthClient(known.ClientId, known.ClientSecret) : null, time, prepare, WebexError.Classify),
        time);

    /// <summary>The refresh token that Webex rejected. It is not sent again while the next level is pending.</summary>
    private volatile Secret? rejected;

    public bool CanRenew(Token? current) => CanUseRefreshToken(current)
        || personal.Snapshot.State is TokenState.Active or TokenState.InvalidClient
        || personal.Snapshot.State.Token?.IsUsable(time.GetUtcNow()) == true;

    /// <summary>Sends the refresh token; if there is none, or Webex rejects it for good, sends the personal access token.</summary>
    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        var (serviceApp, problem) = app();
        if (serviceApp is null)
        {
            return new Renewal.InvalidClient(problem!);
        }
        var reason = WhyRefreshTokenIsUnusable(current);
        if (reason is null)
        {
            var outcome = await refresh.RenewAsync(current, cancellationToken);
            if (outcome is not Renewal.InvalidGrant(var rejection))
            {
                return outcome;
            }
            rejected = current!.RefreshToken;
            reason = $"the service app: {rejection}";
            logger.LogWarning("account {Account}: {Reason}; trying the personal access token", account, reason);
        }
        return await RenewWithPersonalTokenAsync(serviceApp, current, reason, cancellationToken);
    }

    internal bool CanUseRefreshToken(Token? token) => WhyRefreshTokenIsUnusable(token) is null;

    /// <summary>Null if the refresh token can be sent.</summary>
    internal string? WhyRefreshTokenIsUnusable(Token? token) => token switch
    {
        null or { RefreshToken: null } => "the service app has no refresh token",
        { RefreshToken: var held } when held.Equals(rejected) => "Webex rejected the service app's refresh token",
        { RefreshExpiresAt: { } expiry } when expiry <= time.GetUtcNow() => $"the service app's refresh token expired at {expiry:u}",
        _ => null,
    };

    private async Task<Renewal> RenewWithPersonalTokenAsync(ServiceApp serviceApp, Token? current, string reason, CancellationToken cancellationToken)
    {
        if (await personal.GetTokenAsync(cancellationToken) is not { AccessToken: { } access })
        {
            return WithoutPersonalToken(reason);
        }
        var reply = await CreateTokenAsync(serviceApp, access, cancellationToken);
        if (reply.Error?.Status == HttpStatusCode.Unauthorized)
        {
            logger.LogWarning("account {Account}: {Reason}", account, reply.Error.Describe("Webex rejects the personal access token"));
            await personal.RenewAsync(access, cancellationToken);
            var renewed = (await personal.GetTokenAsync(cancellationToken))?.AccessToken;
            var isSame = access.Equals(renewed);
            if (renewed is null || (isSame && personal.Snapshot.State is TokenState.InvalidClient or TokenState.Active { FailedRenewals: > 0 }))
            {
                return WithoutPersonalToken(reason);
            }
            reply = isSame ? reply : await CreateTokenAsync(serviceApp, renewed, cancellationToken);
        }
        return ToRenewal(reply, current) with { ClockOffset = reply.ClockOffset };
    }

    /// <summary>The state of the personal access token decides: a temporary failure is retried, a lost token is not.</summary>
    private Renewal WithoutPersonalToken(string reason) => personal.Snapshot switch
    {
        { State: TokenState.Missing } => new Renewal.InvalidGrant(
            $"{reason}, and there is no personal access token in {personal.StoreLocation}; "
            + "run oauth-exporter login, or oauth-exporter login --token"),
        { State: TokenState.Lost(_, var upstream, _) } => new Renewal.InvalidGrant($"{reason}, and {upstream}"),
        { State: TokenState.InvalidClient(_, var upstream, _) } => new Renewal.InvalidClient($"{reason}, and {upstream}"),
        { State: TokenState.Active, History.LastError: var error } => new Renewal.Transient(
            FailureKind.Network, $"{reason}, and the personal access token cannot be renewed now: {error ?? "its renewal is pending"}"),
        _ => throw new InvalidOperationException("unknown token state"),
    };

    /// <summary>Sends the service app's credentials as JSON, authorized by the personal access token.</summary>
    private Task<TokenResponse> CreateTokenAsync(ServiceApp serviceApp, Secret access, CancellationToken cancellationToken)
    {
        var endpoint = WebexError.Endpoint(http, new Uri(api, $"/v1/applications/{Uri.EscapeDataString(serviceApp.AppId)}/token"),
            () => new OAuthClient(serviceApp.ClientId, null), time, prepare, WebexError.Classify);
        var body = JsonMembers.Empty
            .With("clientId", serviceApp.ClientId)
            .With("clientSecret", serviceApp.ClientSecret.Reveal())
            .With("targetOrgId", serviceApp.TargetOrgId);
        return endpoint.PostJsonAsync(body, new("Bearer", access.Reveal()), cancellationToken);
    }

    private Renewal ToRenewal(TokenResponse reply, Token? current)
    {
        if (reply.Members is { } answer)
        {
            return TokenResponse.ReadToken(answer, time.GetUtcNow()) is { } token
                ? new Renewal.Renewed((current ?? new Token()).After(token))
                : new Renewal.Transient(FailureKind.MalformedAnswer, "Webex's response for the service app has no access token");
        }
        var reason = (int?)reply.Error?.Status switch
        {
            400 => "Webex rejects serviceApp.clientId, clientSecret or targetOrgId",
            401 => "the personal access token is valid, but Webex rejects it for this service app; "
                + "use a token of a full or developer admin with the scope spark:applications_token",
            403 => "the personal access token lacks the scope spark:applications_token, "
                + "or no full admin has authorized the service app in Control Hub",
            404 => "Webex has no service app with this serviceApp.appId",
            _ => null,
        };
        return reason is null ? reply.Failure! : new Renewal.InvalidClient(reply.Error!.Describe(reason));
    }
}
