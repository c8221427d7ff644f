namespace Exporter.Accounts;

/// <summary>Why a provider returned no data.</summary>
public abstract record ApiFailure
{
    private ApiFailure(string kind, string reason) => (Kind, Reason) = (kind, reason);

    /// <summary>The value of the label <c>reason</c>.</summary>
    public string Kind { get; }

    /// <summary>One sentence for the log and the page, with the fix if there is one.</summary>
    public string Reason { get; }

    /// <summary>The wait that the provider requested, never negative; null if it requested none.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>There is no access token, so no request was sent.</summary>
    public sealed record NoToken(string Reason) : ApiFailure("no_token", Reason);

    /// <summary>The provider rejects the access token.</summary>
    public sealed record TokenRefused(string Reason) : ApiFailure("token_refused", Reason);

    /// <summary>The token is valid but lacks a scope: the user must log in again.</summary>
    public sealed record MissingScope(string Reason, string Scope) : ApiFailure("missing_scope", Reason);

    /// <summary>Too many requests: wait as long as the provider requests, otherwise long.</summary>
    public sealed record RateLimited(string Reason) : ApiFailure("rate_limited", Reason);

    /// <summary>A temporary failure: the network, a timeout, a server error, or a response that is not the API's.</summary>
    public sealed record Unavailable(string Reason) : ApiFailure("unavailable", Reason);

    /// <summary>The API understands the request and rejects it. A retry is unlikely to help.</summary>
    public sealed record Rejected(string Reason) : ApiFailure("rejected", Reason);

    public static IReadOnlyList<string> Kinds { get; } = ["no_token", "token_refused", "missing_scope", "rate_limited", "unavailable", "rejected"];
}
