namespace Exporter.Tokens;

/// <summary>How a token manager renews its token. Immutable; one object may serve many token managers.</summary>
public sealed record TokenManagerOptions
{
    /// <summary>
    /// How long before its expiry a token is renewed, at most half of its lifetime. By default a tenth, and at least <see cref="LeastMargin"/>.
    /// </summary>
    public TimeSpan? Margin { get; init; }

    /// <summary>The least margin if <see cref="Margin"/> is not set.</summary>
    public TimeSpan LeastMargin { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The lifetime of a token whose provider does not return one.</summary>
    public TimeSpan AssumedLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Waits after renewals that may succeed later.</summary>
    public Backoff Retry { get; init; } = new(TimeSpan.FromSeconds(4), TimeSpan.FromMinutes(5));

    /// <summary>Waits after responses that are not those of a token endpoint: a firewall, a proxy or a wrong address may take hours to fix.</summary>
    public Backoff UnknownAnswerRetry { get; init; } = new(TimeSpan.FromSeconds(4), TimeSpan.FromHours(1));

    /// <summary>
    /// Waits between renewals with a refresh token that the provider rejected. The last one repeats until <see cref="LongestRejection"/> has passed.
    /// For a provider that is known to reject a valid token for a while; by default, a rejected token is not sent again.
    /// </summary>
    public IReadOnlyList<TimeSpan> RejectionRetries { get; init; } = [];

    /// <summary>How long a rejected refresh token is tried again.</summary>
    public TimeSpan LongestRejection { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Waits after writes that failed.</summary>
    public Backoff WriteRetry { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1));

    /// <summary>The wait after the provider rejected the client: only a change of the configuration helps.</summary>
    public TimeSpan InvalidClientRetry { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the store is read to find changes made by other processes.</summary>
    public TimeSpan ReadEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A token younger than this is not renewed because an API rejected it: the next one would be rejected as well.</summary>
    public TimeSpan LeastBetweenForced { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Shared by all token managers of a process, so that many tokens that expire together do not cause a burst.</summary>
    public RenewalRateLimiter RenewalRateLimiter { get; init; } = new(TimeProvider.System);

    public Random Random { get; init; } = Random.Shared;
}
