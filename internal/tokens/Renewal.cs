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
}

/// <summary>An error response of a token endpoint (RFC 6749, section 5.2).</summary>
/// <param name="Error">The <c>error</c> member; null when the body has none.</param>
public sealed record TokenError(HttpStatusCode Status, string? Error, string? Description, TimeSpan? RetryAfter)
{
    /// <summary>The member that the provider's support needs to find this response, as name and value; null when there is none.</summary>
    public string? Reference { get; init; }

    /// <summary>
    /// Decides what is transient and what is permanent. A provider that responds differently supplies its own function, which handles its
    /// special cases and calls this one for the others.
    /// </summary>
    public Renewal Classify() => (Error, (int)Status) switch
    {
        (_, 429) => new Renewal.Transient(FailureKind.RateLimited, Describe("the provider limits our requests"), RetryAfter),
        ("temporarily_unavailable" or "server_error", _) or (_, 408 or 425 or >= 500) =>
            new Renewal.Transient(FailureKind.ServerError, Describe("the token endpoint is not working"), RetryAfter),
        ("invalid_grant" or "expired_token" or "access_denied", _) => new Renewal.InvalidGrant(Describe("the refresh token is no longer accepted")),
        ("invalid_client" or "unauthorized_client", _) => new Renewal.InvalidClient(Describe("the client id or the client secret is not accepted")),
        ("invalid_scope", _) => new Renewal.InvalidClient(Describe("the scope is not accepted")),
        ({ } error, _) => new Renewal.InvalidClient(Describe($"the token endpoint rejects the request with {Sanitize.Line(error)}")),
        (_, >= 300 and < 400) => new Renewal.InvalidClient(
            Describe("the token endpoint redirects to another address, and credentials are not sent there; check its address")),
        (_, 401 or 403) => new Renewal.InvalidClient(Describe("the client is not accepted")),
        (_, >= 400) => new Renewal.InvalidClient(Describe("the token endpoint does not support this request; check its address")),
        _ => new Renewal.Transient(FailureKind.MalformedAnswer, Describe("the response contains neither a token nor an error")),
    };

    /// <summary>A sentence with the error of the provider, shortened and without control characters.</summary>
    public string Describe(string sentence)
    {
        var error = string.Join(": ", new[] { Error, Description }.Where(s => !string.IsNullOrEmpty(s)));
        var reference = Reference is { Length: > 0 } id ? $", {Sanitize.Line(id)}" : "";
        return $"{sentence} (HTTP {(int)Status}{(error.Length > 0 ? $", {Sanitize.Line(error)}" : "")}{reference})";
    }
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
