using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>The outcome of a token request. A closed set.</summary>
public abstract record Renewal
{
    private Renewal() { }

    /// <summary>The provider's clock minus the local clock at the response; null without a response or its <c>Date</c> header.</summary>
    public TimeSpan? ClockOffset { get; init; }

    /// <summary>The error code of the token endpoint (RFC 6749, section 5.2); null when there is none.</summary>
    public string? Error { get; init; }

    public sealed record Renewed(Token Token) : Renewal;

    /// <summary>A later request with the same token may succeed. <paramref name="RetryAfter"/> is the wait that the provider requires.</summary>
    public sealed record Transient(FailureKind Kind, string Reason, TimeSpan? RetryAfter = null) : Renewal;

    /// <summary>The provider rejected the client, its secret or its scope; the token may be valid.</summary>
    public sealed record InvalidClient(string Reason) : Renewal;

    /// <summary>
    /// The provider rejected the credential, or it is known to be of no use: missing, expired, revoked, or issued to another client.
    /// </summary>
    public sealed record InvalidGrant(string Reason) : Renewal;
}

/// <summary>Why a renewal failed; the label of a metric.</summary>
public enum FailureKind
{
    Network,
    Timeout,
    RateLimited,
    ServerError,
    MalformedAnswer,
    ClientRefused,
    GrantRejected,
    Locked,
    Store,
    Unexpected,

    /// <summary>A response that is not one of OAuth: of a firewall, a proxy or a gateway, or with an unknown error code.</summary>
    UnknownAnswer,
}

/// <summary>An error response of a token endpoint (RFC 6749, section 5.2).</summary>
/// <param name="Error">The <c>error</c> member; null when the body has none.</param>
public sealed record TokenError(HttpStatusCode Status, string? Error, string? Description, TimeSpan? RetryAfter)
{
    /// <summary>The member that the provider's support needs to find this response, as name and value; null when there is none.</summary>
    public string? Reference { get; init; }

    /// <summary>What came and from where, if it is not an OAuth error; otherwise null.</summary>
    internal string? Content { get; init; }

    /// <summary>Values of the request that must not be shown: some servers repeat them in error descriptions.</summary>
    internal IReadOnlyCollection<string?> Secrets { get; init; } = [];

    /// <summary>
    /// Decides what is transient and what is permanent. Permanent is only an OAuth error with a known code (RFC 6749, section 5.2): a firewall,
    /// a proxy or a gateway can send everything else. A provider that responds differently supplies its own function, which handles its special
    /// cases and calls this one for the others.
    /// </summary>
    public Renewal Classify() => (Error, (int)Status) switch
    {
        ("slow_down" or "rate_limit_exceeded" or "rate_limited" or "too_many_requests" or "throttled", _) or (_, 429) =>
            new Renewal.Transient(FailureKind.RateLimited, Describe("the provider limits our requests"), RetryAfter),
        ("temporarily_unavailable" or "server_error", _) or (_, 408 or 425 or >= 500) =>
            new Renewal.Transient(FailureKind.ServerError, Describe("the token endpoint is not working"), RetryAfter),
        // The second is GitHub's, the third Slack's.
        ("invalid_grant" or "bad_refresh_token" or "invalid_refresh_token", _) =>
            new Renewal.InvalidGrant(Describe("the refresh token is no longer accepted")),
        // OpenID Connect Core, section 3.1.2.6; Microsoft returns them for a refresh token too.
        ("interaction_required" or "login_required" or "consent_required", _) =>
            new Renewal.InvalidGrant(Describe("the provider requires a login")),
        // The last is GitHub's.
        ("invalid_client" or "unauthorized_client" or "incorrect_client_credentials", _) =>
            new Renewal.InvalidClient(Describe("the client id or the client secret is not accepted")),
        ("invalid_scope", _) => new Renewal.InvalidClient(Describe("the scope is not accepted")),
        ("invalid_request" or "unsupported_grant_type", _) => new Renewal.InvalidClient(Describe("the token endpoint rejects the request")),
        ({ }, _) => Unknown("the token endpoint returned an unknown error code"),
        (_, >= 300 and < 400) => Unknown(
            "the token endpoint redirects to another address, and credentials are not sent there; check its address"),
        (_, 407) => Unknown("a proxy requires a login"),
        (_, >= 400) => Unknown("the response is not an OAuth error; check the address of the token endpoint, firewalls and proxies"),
        _ => new Renewal.Transient(FailureKind.MalformedAnswer, Describe("the response contains neither a token nor an error")),
    };

    /// <summary>An error that only the server's own members show. What it means is not certain, so it is transient.</summary>
    internal Renewal.Transient ClassifyOwn() => Unknown("the token endpoint returned an error");

    /// <summary>A sentence with the error of the provider, shortened and without control characters.</summary>
    public string Describe(string sentence)
    {
        var error = Sanitize.Redact(Content ?? string.Join(": ", new[] { Error, Description }.Where(s => !string.IsNullOrEmpty(s))), Secrets);
        var reference = Reference is { Length: > 0 } id ? $", {Sanitize.Line(Sanitize.Redact(id, Secrets))}" : "";
        return $"{sentence} (HTTP {(int)Status}{(error.Length > 0 ? $", {Sanitize.Line(error)}" : "")}{reference})";
    }

    public override string ToString() => Describe("error");

    private Renewal.Transient Unknown(string sentence) => new(FailureKind.UnknownAnswer, Describe(sentence), RetryAfter);
}

/// <summary>Makes foreign text safe for a log line or a page.</summary>
public static class Sanitize
{
    /// <summary>One line of at most <paramref name="longest"/> characters without control characters.</summary>
    public static string Line(string text, int longest = 200)
    {
        var end = text.Length > longest && char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        var cut = text.Length <= longest ? text : string.Concat(text.AsSpan(0, end), "…");
        return string.Create(cut.Length, cut, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = IsInvisible(from[i]) ? ' ' : from[i];
            }
        });
    }

    /// <summary>
    /// The text without the secrets. One of less than four characters stays, because it is a word of the provider, whose messages would become
    /// unreadable.
    /// </summary>
    public static string Redact(string text, IEnumerable<string?> secrets) => secrets.OfType<string>().Where(secret => secret.Length > 3)
        .Aggregate(text, (rest, secret) => rest.Replace(secret, "<secret>", StringComparison.Ordinal));

    /// <summary>Describes an unexpected exception by its type and place, because its message may contain a secret.</summary>
    internal static string Unexpected(Exception e)
    {
        var place = e.StackTrace?.Split('\n')[0].Trim() ?? "";
        return $"unexpected failure ({Line($"{e.GetType().Name} {place}".Trim())})";
    }

    private static bool IsInvisible(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}

/// <summary>Log events that a program may replace with its own messages.</summary>
public static class TokenEvents
{
    /// <summary>A renewal returned no token; the snapshot of the token manager contains the reason.</summary>
    public static readonly EventId RenewalFailed = new(1, "renewal_failed");
}
