using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>A user name and a password at a server.</summary>
public sealed record PasswordCredentials(string Username, Secret Password);

/// <summary>
/// The resource-owner password grant (RFC 6749, section 4.3), which OAuth 2.1 removes. Uses the refresh token while the server accepts it,
/// then the password. Never sends a password again that the server rejected, because some servers lock the user.
/// </summary>
/// <param name="recordFile">The record of a rejected password, which must survive restarts; null keeps it in memory.</param>
public sealed class PasswordGrant(
    TokenEndpoint endpoint, PasswordCredentials credentials, IReadOnlyList<string> scopes, TimeProvider time, string? recordFile = null,
    ILogger? logger = null) : IGrant
{
    /// <summary>A server that does not use the errors of OAuth may count such a response as a wrong password, and lock the user.</summary>
    private static readonly TimeSpan UnknownAnswerWait = TimeSpan.FromMinutes(15);

    private readonly RefreshTokenGrant refresh = new(endpoint, time);
    private readonly RejectedPassword rejected = new(endpoint, credentials, recordFile, logger);
    private volatile Secret? rejectedRefreshToken;

    /// <summary>Separates the scopes; a space by RFC 6749, section 3.3.</summary>
    public string ScopeSeparator { get; init; } = " ";

    public bool CanRenew(Token? current) => true;

    public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
    {
        if (current?.RefreshToken is { } token && !token.Equals(rejectedRefreshToken))
        {
            var outcome = await refresh.RenewAsync(current, cancellationToken);
            if (outcome is not Renewal.InvalidGrant)
            {
                return outcome;
            }
            rejectedRefreshToken = token;
        }
        return await LogInAsync(current, cancellationToken);
    }

    private async Task<Renewal> LogInAsync(Token? current, CancellationToken cancellationToken)
    {
        if (rejected.Check() is { } blocked)
        {
            return blocked;
        }
        var form = TokenEndpoint.Parameters(
            ("grant_type", "password"),
            ("username", credentials.Username),
            ("password", credentials.Password.Reveal()),
            ("scope", string.Join(ScopeSeparator, scopes)));
        var (outcome, error) = await endpoint.RequestWithErrorAsync(form, cancellationToken);
        return outcome switch
        {
            Renewal.Renewed(var issued) => new Renewal.Renewed((current ?? new Token()).ReplacedBy(issued)) { ClockOffset = outcome.ClockOffset },
            // RFC 6749, section 5.2: the "resource owner credentials" are invalid.
            Renewal.InvalidGrant when error?.Error == "invalid_grant" =>
                rejected.Record(error.Describe("the user name or the password is not accepted")) with
                {
                    ClockOffset = outcome.ClockOffset,
                    Error = outcome.Error,
                },
            // Another error, for example a consent that is missing, can end without a new password.
            Renewal.InvalidGrant(var reason) => new Renewal.InvalidClient(reason) { ClockOffset = outcome.ClockOffset, Error = outcome.Error },
            Renewal.Transient { Kind: FailureKind.UnknownAnswer, RetryAfter: null } unknown when error is not null =>
                unknown with { RetryAfter = UnknownAnswerWait },
            _ => outcome,
        };
    }
}
