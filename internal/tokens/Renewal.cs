using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>The outcome of asking for a token. A closed set: whoever asks has to face all of them.</summary>
public abstract record Renewal
{
    private Renewal() { }

    /// <summary>The provider's clock minus ours at the moment of the answer; null without an answer or without its <c>Date</c>.</summary>
    public TimeSpan? ClockOffset { get; init; }

    /// <summary>What the token endpoint called its error (RFC 6749, section 5.2); null where it gave none.</summary>
    public string? Error { get; init; }

    public sealed record Renewed(Token Token) : Renewal;

    /// <summary>It may succeed later, with the same token. <paramref name="RetryAfter"/> is what the provider asked for.</summary>
    public sealed record Transient(FailureKind Kind, string Reason, TimeSpan? RetryAfter = null) : Renewal;

    /// <summary>The client, its secret or its scope is not accepted; the token may be good.</summary>
    public sealed record InvalidClient(string Reason) : Renewal;

    /// <summary>The credential is dead: it ended, was revoked, or was used by somebody else.</summary>
    public sealed record InvalidGrant(string Reason) : Renewal;
}

/// <summary>What a renewal failed of, as a metric's label shows it.</summary>
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

/// <summary>An answer of a token endpoint that is no token (RFC 6749, section 5.2).</summary>
/// <param name="Error">The <c>error</c> member; null when the body is not of that shape.</param>
public sealed record TokenError(HttpStatusCode Status, string? Error, string? Description, TimeSpan? RetryAfter)
{
    /// <summary>The id by which the provider's support finds this answer, behind the member's name; null where there is none.</summary>
    public string? Reference { get; init; }

    /// <summary>
    /// The one table that decides what is transient and what is permanent. A provider that answers differently gives a
    /// table of its own, which looks at its special cases and leaves the rest to this one.
    /// </summary>
    public Renewal Classify() => (Error, (int)Status) switch
    {
        (_, 429) => new Renewal.Transient(FailureKind.RateLimited, Say("the provider limits our requests"), RetryAfter),
        ("temporarily_unavailable" or "server_error", _) or (_, 408 or 425 or >= 500) =>
            new Renewal.Transient(FailureKind.ServerError, Say("the token endpoint is not working"), RetryAfter),
        ("invalid_grant" or "expired_token" or "access_denied", _) => new Renewal.InvalidGrant(Say("the refresh token is no longer accepted")),
        ("invalid_client" or "unauthorized_client", _) => new Renewal.InvalidClient(Say("the client id or the client secret is not accepted")),
        ("invalid_scope", _) => new Renewal.InvalidClient(Say("the scope is not accepted")),
        ({ } error, _) => new Renewal.InvalidClient(Say($"the token endpoint refuses the request as {Sanitize.Line(error)}")),
        (_, >= 300 and < 400) => new Renewal.InvalidClient(Say("the token endpoint redirects elsewhere, and credentials are not sent after it: check its address")),
        (_, 401 or 403) => new Renewal.InvalidClient(Say("the client is not accepted")),
        (_, >= 400) => new Renewal.InvalidClient(Say("the token endpoint does not know this request: check its address")),
        _ => new Renewal.Transient(FailureKind.MalformedAnswer, Say("the answer holds neither a token nor an error")),
    };

    /// <summary>A sentence with what the provider said, bounded; the description comes from outside and is cut of control characters.</summary>
    public string Say(string sentence)
    {
        var said = string.Join(": ", new[] { Error, Description }.Where(s => !string.IsNullOrEmpty(s)));
        var reference = Reference is { Length: > 0 } id ? $", {Sanitize.Line(id)}" : "";
        return $"{sentence} (HTTP {(int)Status}{(said.Length > 0 ? $", {Sanitize.Line(said)}" : "")}{reference})";
    }
}

/// <summary>Text from outside, made fit for a log line or a page.</summary>
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

    /// <summary>An exception that a contract does not allow, in a sentence: its kind and place, for its message may hold what was being read, a secret.</summary>
    internal static string Unforeseen(Exception e)
    {
        var place = e.StackTrace?.Split('\n')[0].Trim() ?? "";
        return $"unexpected failure ({Line($"{e.GetType().Name} {place}".Trim())})";
    }

    private static bool IsInvisible(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}

/// <summary>Log events that a program may want to tell in words of its own.</summary>
public static class TokenEvents
{
    /// <summary>A renewal gave no token; the token manager's snapshot says the same.</summary>
    public static readonly EventId RenewalFailed = new(1, "renewal_failed");
}
