using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// Refreshes Ergani's token, and logs in when that fails. Ergani counts logins, forbids a login per call, and can lock a user after wrong
/// passwords. Therefore there is at most one login per back-off window, and none with rejected credentials; see <see cref="LoginThrottle"/>.
/// Safe for concurrent use.
/// </summary>
/// <param name="http">Must not follow redirects; see <see cref="TokenEndpoint.CreateHttp"/>. Not disposed of.</param>
/// <param name="recordFile">The login record, which must survive restarts; null keeps it in memory.</param>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
public sealed class ErganiGrant(
    ErganiCredentials credentials, HttpClient http, TimeProvider time, string? recordFile = null, ILogger? logger = null,
    Action<HttpRequestMessage>? prepare = null) : IGrant
{
    private readonly TokenEndpoint login = Endpoint("Authentication", credentials, http, time, prepare);
    private readonly TokenEndpoint refresh = Endpoint("Authentication/Refresh", credentials, http, time, prepare);
    private readonly LoginThrottle throttle = new(credentials, recordFile, time, logger);

    public bool CanRenew(Token? current) => true;

    /// <summary>Refreshes. If there is nothing to refresh, or Ergani returns 401, logs in. Any other failure is returned as it is.</summary>
    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        // Ergani requires the old access token too, even if it has expired.
        if (current is { AccessToken: { } access, RefreshToken: { } token } && !(current.RefreshExpiresAt <= time.GetUtcNow()))
        {
            var body = JsonMembers.Empty.With("AccessToken", access.Reveal()).With("RefreshToken", token.Reveal());
            var reply = await refresh.PostJsonAsync(body, null, cancellationToken);
            if (reply.Error?.Status != HttpStatusCode.Unauthorized)
            {
                var outcome = ToRenewal(reply, current, "refresh");
                if (outcome is Renewal.Renewed)
                {
                    throttle.Reset();
                }
                return outcome;
            }
        }
        return await LogInAsync(current, cancellationToken);
    }

    private static TokenEndpoint Endpoint(
        string path, ErganiCredentials credentials, HttpClient http, TimeProvider time, Action<HttpRequestMessage>? prepare) =>
        new(http, new Uri(credentials.Environment.Address, path), new OAuthClient(credentials.Username, null), time, Classify, prepare)
        {
            ErrorMembers = new(Description: "message"),
        };

    /// <summary>Ergani's answers are not those of OAuth. Only its 401, which this grant handles itself, is permanent.</summary>
    private static Renewal Classify(TokenError error) => (error with { Error = null, Description = error.Description ?? error.Error }).Classify();

    private async Task<Renewal> LogInAsync(Token? current, CancellationToken cancellationToken)
    {
        if (throttle.Check() is { } blocked)
        {
            return blocked;
        }
        throttle.RecordLogin();
        var body = JsonMembers.Empty
            .With("Username", credentials.Username)
            .With("Password", credentials.Password.Reveal())
            .With("Usertype", credentials.UserType);
        var reply = await login.PostJsonAsync(body, null, cancellationToken);
        if (reply.Error is { Status: HttpStatusCode.Unauthorized } error)
        {
            return throttle.RecordRejection(error.Describe($"Ergani rejected the login as user type {credentials.UserType}")) with
            {
                ClockOffset = reply.ClockOffset,
            };
        }
        var outcome = ToRenewal(reply, current, "login");
        if (outcome is Renewal.Transient { RetryAfter: { } wait })
        {
            throttle.RecordRetryAfter(wait);
        }
        return outcome;
    }

    private Renewal ToRenewal(TokenResponse reply, Token? current, string operation)
    {
        if (reply.Members is not { } members)
        {
            return reply.Failure!;
        }
        return Read(members) is { } token
            ? new Renewal.Renewed((current ?? new Token()).After(token)) { ClockOffset = reply.ClockOffset }
            : new Renewal.Transient(FailureKind.MalformedAnswer, $"Ergani's response to the {operation} has no access token")
            {
                ClockOffset = reply.ClockOffset,
            };
    }

    /// <summary>
    /// The lifetime of the access token is a number of seconds in the ministry's guide, and text in responses. The expiry of the refresh
    /// token is a time with seven decimals and an offset.
    /// </summary>
    private Token? Read(JsonMembers members)
    {
        if (Secret.From(members.Text("accessToken")) is not { } access)
        {
            return null;
        }
        var lifetime = members.Number("accessTokenExpired") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var refreshExpiry = members.Text("refreshTokenExpired");
        return new Token
        {
            AccessToken = access,
            RefreshToken = Secret.From(members.Text("refreshToken")),
            Lifetime = lifetime,
            ExpiresAt = time.GetUtcNow() + lifetime ?? Jwt.Expiry(access),
            RefreshExpiresAt = DateTimeOffset.TryParse(refreshExpiry, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expiry)
                ? expiry.ToUniversalTime()
                : null,
        };
    }
}
