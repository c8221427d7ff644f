namespace Exporter.Accounts;

/// <summary>What one request to a cloud came to. It is a value: the caller has no exception to catch but its own cancellation.</summary>
public abstract record ApiAnswer<T>
{
    private ApiAnswer() { }

    public sealed record Success(T Value) : ApiAnswer<T>;

    public sealed record Failed(ApiFailure Failure) : ApiAnswer<T>;
}

/// <summary>Why a cloud gave nothing.</summary>
public abstract record ApiFailure
{
    private ApiFailure(string kind, string reason) => (Kind, Reason) = (kind, reason);

    /// <summary>A word for a metric's label.</summary>
    public string Kind { get; }

    /// <summary>One sentence for the log and the page, with the remedy where there is one.</summary>
    public string Reason { get; }

    /// <summary>How long the cloud asked us to stay away, never negative; null where it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>There is no access token to ask with.</summary>
    public sealed record NoToken(string Reason) : ApiFailure("no_token", Reason);

    /// <summary>The access token is not accepted.</summary>
    public sealed record TokenRefused(string Reason) : ApiFailure("token_refused", Reason);

    /// <summary>The token is good and was granted for less than this needs: a person must log in again.</summary>
    public sealed record MissingScope(string Reason, string Scope) : ApiFailure("missing_scope", Reason);

    /// <summary>Too many requests: wait as told, else long.</summary>
    public sealed record RateLimited(string Reason) : ApiFailure("rate_limited", Reason);

    /// <summary>It may pass by itself: the network, a timeout, an error of the server's, something that is not the API's answer.</summary>
    public sealed record Unavailable(string Reason) : ApiFailure("unavailable", Reason);

    /// <summary>The API understood and says no, and asking again will hardly change that.</summary>
    public sealed record Rejected(string Reason) : ApiFailure("rejected", Reason);

    /// <summary>Every word that <see cref="Kind"/> can be.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["no_token", "token_refused", "missing_scope", "rate_limited", "unavailable", "rejected"];
}
