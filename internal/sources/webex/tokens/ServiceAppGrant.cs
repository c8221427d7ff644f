using System.Net;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Webex;

/// <summary>A service app as the developer portal and <c>token-config.json</c> name its parts.</summary>
/// <param name="TargetOrgId">The organisation whose admin has authorized it.</param>
public sealed record ServiceApp(string AppId, string ClientId, Secret ClientSecret, string TargetOrgId);

/// <summary>
/// The token of a service app: by its own refresh token, and once that is refused for good, by a personal access token, which
/// another token manager keeps. A failure that may pass leaves every level as it is. Safe for concurrent use.
/// </summary>
/// <param name="account">Its name, for the log.</param>
/// <param name="app">The service app at this moment; or null, and in a sentence what is missing.</param>
/// <param name="http">Must not follow redirects; see <see cref="TokenEndpoint.CreateHttp"/>. Not disposed of.</param>
/// <param name="api">Webex's address, or a stand-in's.</param>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
public sealed class ServiceAppGrant(
    string account, Func<(ServiceApp? App, string? Problem)> app, TokenManager personal, HttpClient http, Uri api, TimeProvider time, ILogger logger,
    Action<HttpRequestMessage>? prepare = null) : IGrant
{
    private readonly RefreshTokenGrant refresh = new(
        new TokenEndpoint(
            http, new Uri(api, "/v1/access_token"), () => app().App is { } known ? new OAuthClient(known.ClientId, known.ClientSecret) : null, time, WebexError.Classify, prepare: prepare)
        { ErrorMembers = WebexError.Named },
        time);

    /// <summary>The refresh token that was refused: it is not sent again while the next level is waited for.</summary>
    private volatile Secret? dead;

    public bool CanRenew(Token? current) =>
        IsLeft(current) || personal.Snapshot.State is TokenState.Active or TokenState.InvalidClient || personal.Snapshot.State.Token?.IsUsable(time.GetUtcNow()) == true;

    /// <summary>One request by the refresh token, and only if it is refused for good, or there is none that can be used, one by the personal access token.</summary>
    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        var (serviceApp, problem) = app();
        if (serviceApp is null)
        {
            return new Renewal.InvalidClient(problem!);
        }
        var why = Obstacle(current);
        if (why is null)
        {
            var outcome = await refresh.RenewAsync(current, cancellationToken);
            if (outcome is not Renewal.InvalidGrant(var refused))
            {
                return outcome;
            }
            dead = current!.RefreshToken;
            why = $"the service app: {refused}";
            logger.LogWarning("account {Account}: {Reason}; the personal access token is tried next", account, why);
        }
        return await ByPersonalTokenAsync(serviceApp, current, why, cancellationToken);
    }

    /// <summary>Whether the service app's own refresh token can still be tried.</summary>
    internal bool IsLeft(Token? token) => Obstacle(token) is null;

    /// <summary>Why the refresh token is not worth a request; null when it is.</summary>
    internal string? Obstacle(Token? token) => token switch
    {
        null or { RefreshToken: null } => "the service app has no refresh token",
        { RefreshToken: var held } when held.Equals(dead) => "the service app's refresh token was refused",
        { RefreshExpiresAt: { } end } when end <= time.GetUtcNow() => $"the service app's refresh token ended at {end:u}",
        _ => null,
    };

    private async Task<Renewal> ByPersonalTokenAsync(ServiceApp serviceApp, Token? current, string why, CancellationToken cancellationToken)
    {
        if (await personal.GetTokenAsync(cancellationToken) is not { AccessToken: { } access })
        {
            return WithoutPersonalToken(why);
        }
        var reply = await MintAsync(serviceApp, access, cancellationToken);
        if (reply.Error?.Status == HttpStatusCode.Unauthorized)
        {
            logger.LogWarning("account {Account}: {Reason}", account, reply.Error.Describe("the personal access token is not accepted"));
            await personal.RenewAsync(access, cancellationToken);
            if (await personal.GetTokenAsync(cancellationToken) is not { AccessToken: { } fresh })
            {
                return WithoutPersonalToken(why);
            }
            if (fresh.Equals(access) && personal.Snapshot.State is TokenState.InvalidClient or TokenState.Active { FailedRenewals: > 0 })
            {
                return WithoutPersonalToken(why);
            }
            reply = fresh.Equals(access) ? reply : await MintAsync(serviceApp, fresh, cancellationToken);
        }
        return Outcome(reply, current) with { ClockOffset = reply.ClockOffset };
    }

    /// <summary>What is between us and the next level decides: a network that fails is waited for, a login that is lost is not.</summary>
    private Renewal WithoutPersonalToken(string why) => personal.Snapshot switch
    {
        { State: TokenState.Missing } => new Renewal.InvalidGrant($"{why}, and there is no personal access token in {personal.StoreLocation}: exporter login, or exporter login --token"),
        { State: TokenState.Lost(_, var reason, _) } => new Renewal.InvalidGrant($"{why}, and {reason}"),
        { State: TokenState.InvalidClient(_, var reason, _) } => new Renewal.InvalidClient($"{why}, and {reason}"),
        { State: TokenState.Active, History.LastError: var error } => new Renewal.Transient(FailureKind.Network, $"{why}, and the personal access token cannot be renewed now: {error ?? "it is waited for"}"),
        _ => throw new InvalidOperationException("a token has no other state"),
    };

    /// <summary>Sends the service app's credentials under the personal access token. No form, and no client authentication but theirs.</summary>
    private Task<TokenResponse> MintAsync(ServiceApp serviceApp, Secret access, CancellationToken cancellationToken)
    {
        var endpoint = new TokenEndpoint(
            http, new Uri(api, $"/v1/applications/{Uri.EscapeDataString(serviceApp.AppId)}/token"), new OAuthClient(serviceApp.ClientId, null), time, WebexError.Classify, prepare)
        { ErrorMembers = WebexError.Named };
        var body = JsonMembers.Empty.With("clientId", serviceApp.ClientId).With("clientSecret", serviceApp.ClientSecret.Reveal()).With("targetOrgId", serviceApp.TargetOrgId);
        return endpoint.PostJsonAsync(body, new("Bearer", access.Reveal()), cancellationToken);
    }

    private Renewal Outcome(TokenResponse reply, Token? current)
    {
        if (reply.Members is { } answer)
        {
            return TokenResponse.ReadToken(answer, time.GetUtcNow()) is { } token
                ? new Renewal.Renewed((current ?? new Token()).After(token))
                : new Renewal.Transient(FailureKind.MalformedAnswer, "there is no access token in Webex's answer for the service app");
        }
        return (int?)reply.Error?.Status switch
        {
            400 => new Renewal.InvalidClient(reply.Error.Describe("Webex does not accept serviceApp.clientId, clientSecret or targetOrgId")),
            401 => new Renewal.InvalidClient(reply.Error.Describe("the personal access token is good, and not accepted for this service app: it has to be of a full or developer admin, with the scope spark:applications_token")),
            403 => new Renewal.InvalidClient(reply.Error.Describe("the personal access token lacks the scope spark:applications_token, or no full admin has authorized the service app in Control Hub")),
            404 => new Renewal.InvalidClient(reply.Error.Describe("Webex knows no service app of this serviceApp.appId")),
            _ => reply.Failure!,
        };
    }
}
