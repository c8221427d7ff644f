using System.Globalization;
using System.Net;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// A token from Ergani: refreshed while that works, else by logging in. A refresh does not need the password; a log-in is
/// counted by the provider, which forbids one per call and may lock a user whose password is wrong. So log-ins are at most one
/// per back-off window, and after a refusal there is none until the credentials change; see <see cref="LoginRecord"/>.
/// Safe for concurrent use.
/// </summary>
/// <param name="http">Must not follow redirects; see <see cref="TokenEndpoint.CreateHttp"/>. Not disposed of.</param>
/// <param name="recordFile">Where the record of log-ins outlives the process, beside the token; null keeps it in memory.</param>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
public sealed class ErganiGrant(
    ErganiCredentials credentials, HttpClient http, TimeProvider time, string? recordFile = null, ILogger? logger = null, Action<HttpRequestMessage>? prepare = null) : IGrant
{
    private static readonly ErrorMembers Errors = new(Description: "message");

    private readonly TokenEndpoint login =
        new(http, new Uri(credentials.Environment.Address, "Authentication"), new OAuthClient(credentials.Username, null), time, prepare: prepare) { ErrorMembers = Errors };
    private readonly TokenEndpoint refresh =
        new(http, new Uri(credentials.Environment.Address, "Authentication/Refresh"), new OAuthClient(credentials.Username, null), time, prepare: prepare) { ErrorMembers = Errors };
    private readonly LoginRecord record = new(credentials, recordFile, time, logger);

    public bool CanRenew(Token? current) => true;

    /// <summary>
    /// One refresh, and only where the provider answers it with 401, or there is nothing to refresh with, one log-in. Any other
    /// failure of the refresh stands: it says nothing about the refresh token.
    /// </summary>
    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        // The provider wants the old access token beside the refresh token, be it expired.
        if (current is { AccessToken: { } access, RefreshToken: { } token } && !(current.RefreshExpiresAt <= time.GetUtcNow()))
        {
            var reply = await refresh.PostJsonAsync(JsonMembers.Empty.With("AccessToken", access.Reveal()).With("RefreshToken", token.Reveal()), null, cancellationToken);
            if (reply.Error?.Status != HttpStatusCode.Unauthorized)
            {
                var outcome = Outcome(reply, current, "Ergani's refresh");
                if (outcome is Renewal.Renewed)
                {
                    record.Refreshed();
                }
                return outcome;
            }
        }
        return await LogInAsync(current, cancellationToken);
    }

    private async Task<Renewal> LogInAsync(Token? current, CancellationToken cancellationToken)
    {
        if (record.Obstacle() is { } obstacle)
        {
            return obstacle;
        }
        record.Begin();
        var body = JsonMembers.Empty.With("Username", credentials.Username).With("Password", credentials.Password.Reveal()).With("Usertype", credentials.UserType);
        var reply = await login.PostJsonAsync(body, null, cancellationToken);
        if (reply.Error is { Status: HttpStatusCode.Unauthorized } error)
        {
            return record.Refuse(error.Describe($"Ergani refused the log-in as user type {credentials.UserType}")) with { ClockOffset = reply.ClockOffset };
        }
        var outcome = Outcome(reply, current, "Ergani's log-in");
        if (outcome is Renewal.Transient { RetryAfter: { } wait })
        {
            record.Wait(wait);
        }
        return outcome;
    }

    private Renewal Outcome(TokenResponse reply, Token? current, string what)
    {
        if (reply.Members is not { } answer)
        {
            return reply.Failure!;
        }
        return Read(answer) is { } token
            ? new Renewal.Renewed((current ?? new Token()).After(token)) { ClockOffset = reply.ClockOffset }
            : new Renewal.Transient(FailureKind.MalformedAnswer, $"{what} was answered without an access token") { ClockOffset = reply.ClockOffset };
    }

    /// <summary>Seconds come as a number in the ministry's guide and as text from the service; the end of the refresh token as a time with seven decimals and an offset.</summary>
    private Token? Read(JsonMembers answer)
    {
        if (Secret.From(answer.Text("accessToken")) is not { } access)
        {
            return null;
        }
        var lifetime = answer.Number("accessTokenExpired") is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        return new Token
        {
            AccessToken = access,
            RefreshToken = Secret.From(answer.Text("refreshToken")),
            Lifetime = lifetime,
            ExpiresAt = time.GetUtcNow() + lifetime ?? Jwt.Expiry(access),
            RefreshExpiresAt = DateTimeOffset.TryParse(answer.Text("refreshTokenExpired"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)
                ? end.ToUniversalTime()
                : null,
        };
    }
}
