namespace Exporter.Tokens;

/// <summary>How a token manager keeps its token. Immutable; one object may serve many token managers.</summary>
public sealed record TokenManagerOptions
{
    /// <summary>How long before its end a token is renewed; by default a tenth of its lifetime, at least a minute. Never more than half of the lifetime.</summary>
    public TimeSpan? Margin { get; init; }

    /// <summary>The lifetime of a token whose provider does not tell.</summary>
    public TimeSpan AssumedLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Waits after renewals that may succeed later.</summary>
    public Backoff Retry { get; init; } = new(TimeSpan.FromSeconds(4), TimeSpan.FromMinutes(5));

    /// <summary>Waits after writes that failed.</summary>
    public Backoff WriteRetry { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1));

    /// <summary>How long after the provider did not accept the client: nothing will change before a person changes it.</summary>
    public TimeSpan InvalidClientRetry { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the store is looked at for what others put there.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A token this young is not renewed because a provider refused it: the next one would fare no better.</summary>
    public TimeSpan LeastBetweenForced { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Shared by all token managers of a process, so that many tokens that end together do not become a burst.</summary>
    public RenewalRateLimiter RenewalRateLimiter { get; init; } = new(TimeProvider.System);

    public Random Random { get; init; } = Random.Shared;
}

/// <summary>
/// When a token is to be renewed. Written by the token manager, read by anyone.
/// </summary>
internal sealed class Schedule(TokenManagerOptions options, TimeProvider time)
{
    /// <summary>No two renewals in a row are nearer than this, whatever the provider says of lifetimes.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LeastMargin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MostJitter = TimeSpan.FromMinutes(5);

    private volatile Moment? moment;

    public DateTimeOffset? Planned => moment?.At;

    public bool IsDue(DateTimeOffset now, long timestamp) => moment is { } planned && planned.IsDue(now, timestamp);

    public void Clear() => moment = null;

    public void Plan(Moment? next) => moment = next;

    public DateTimeOffset PlanAt(DateTimeOffset at)
    {
        moment = Moment.Of(at, time);
        return at;
    }

    public DateTimeOffset PlanRetry(int failures, TimeSpan? asked) => PlanAt(time.GetUtcNow() + options.Retry.After(failures, options.Random, asked));

    /// <summary>When this token is to be renewed, or where nothing renews it, when its end is to be noticed, if it has one.</summary>
    /// <param name="renewed">Whether the provider gave it just now, instead of <paramref name="before"/>; otherwise it was loaded.</param>
    public Moment? Next(Token token, bool canRenew, bool renewed, Token? before)
    {
        var now = time.GetUtcNow();
        if (!canRenew)
        {
            return token.ExpiresAt is { } end ? Moment.Of(end, time) : null;
        }
        if (token.AccessToken is null || token.ExpiresAt is not { } expiry || (expiry <= now && !renewed))
        {
            return Moment.Of(now, time);
        }
        var remaining = expiry - now;
        var lifetime = token.Lifetime > TimeSpan.Zero ? token.Lifetime.Value : remaining;
        var margin = Min(options.Margin ?? Max(LeastMargin, lifetime / 10), lifetime / 2);
        // Jitter only moves a renewal earlier.
        var at = expiry - margin - options.Random.NextDouble() * Min(lifetime / 20, MostJitter);
        return Moment.Of(renewed ? Max(at, now + Floor(remaining, extended: !(expiry <= before?.ExpiresAt))) : at, time);
    }

    /// <summary>A renewal that gave the same end again must not become a loop; nor must a lifetime of next to nothing.</summary>
    private static TimeSpan Floor(TimeSpan remaining, bool extended) =>
        !extended ? Max(Least, remaining / 2) : remaining < TimeSpan.FromSeconds(1) ? Least : Min(Least, remaining / 2);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}

/// <summary>A moment on both clocks: the wall clock alone would be late after it was set back, the monotonic one alone after the machine slept.</summary>
internal sealed record Moment(DateTimeOffset At, long Timestamp)
{
    /// <summary>Nanoseconds in 64 bits end after 292 years, and some providers say "never" by the year 9999.</summary>
    private static readonly TimeSpan Furthest = TimeSpan.FromDays(3650);

    public static Moment Of(DateTimeOffset at, TimeProvider time)
    {
        var ahead = Math.Clamp((at - time.GetUtcNow()).TotalSeconds, 0, Furthest.TotalSeconds);
        return new Moment(at, time.GetTimestamp() + (long)(ahead * time.TimestampFrequency));
    }

    public bool IsDue(DateTimeOffset now, long timestamp) => At <= now || Timestamp <= timestamp;
}

/// <summary>Lets renewals go one after another at a bounded rate, after a first burst. Safe for concurrent use.</summary>
public sealed class RenewalRateLimiter(TimeProvider time, int perSecond = 20, int burst = 20)
{
    private readonly Lock gate = new();
    private long free = long.MinValue;

    /// <summary>Completes when it is the caller's turn. Generic cell rate algorithm: one number is the whole state.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var interval = time.TimestampFrequency / perSecond;
        TimeSpan wait;
        lock (gate)
        {
            var now = time.GetTimestamp();
            free = Math.Max(free, now - interval * burst) + interval;
            wait = TimeSpan.FromSeconds(Math.Max(0, free - now) / (double)time.TimestampFrequency);
        }
        return wait == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, time, cancellationToken);
    }
}
