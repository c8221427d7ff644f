namespace Exporter.Accounts;

/// <summary>What one poll, or one call of it, came to. It is a value: the only exception to catch is your own cancellation.</summary>
public abstract record PollResult<T>
{
    private PollResult() { }

    public sealed record Success(T Value) : PollResult<T>;

    public sealed record Failed(ApiFailure Failure) : PollResult<T>;

    public static implicit operator PollResult<T>(ApiFailure failure) => new Failed(failure);
}

/// <summary>Why a provider gave nothing.</summary>
public abstract record ApiFailure
{
    private ApiFailure(string kind, string reason) => (Kind, Reason) = (kind, reason);

    /// <summary>A word for a metric's label.</summary>
    public string Kind { get; }

    /// <summary>One sentence for the log and the page, with the remedy where there is one.</summary>
    public string Reason { get; }

    /// <summary>How long the provider asked us to stay away, never negative; null if it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>There is no access token to ask with.</summary>
    public sealed record NoToken(string Reason) : ApiFailure("no_token", Reason);

    /// <summary>The access token is not accepted.</summary>
    public sealed record TokenRefused(string Reason) : ApiFailure("token_refused", Reason);

    /// <summary>The token is good and was granted for less than this needs: a person must log in again.</summary>
    public sealed record MissingScope(string Reason, string Scope) : ApiFailure("missing_scope", Reason);

    /// <summary>Too many requests: wait as long as the provider says, otherwise long.</summary>
    public sealed record RateLimited(string Reason) : ApiFailure("rate_limited", Reason);

    /// <summary>It may pass by itself: the network, a timeout, an error of the server, something that is not the API's answer.</summary>
    public sealed record Unavailable(string Reason) : ApiFailure("unavailable", Reason);

    /// <summary>The API understood and says no, and asking again will hardly change that.</summary>
    public sealed record Rejected(string Reason) : ApiFailure("rejected", Reason);

    /// <summary>Every word that <see cref="Kind"/> can be.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["no_token", "token_refused", "missing_scope", "rate_limited", "unavailable", "rejected"];
}
