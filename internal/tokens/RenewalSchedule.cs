namespace Exporter.Tokens;

/// <summary>When to renew a token. Pure.</summary>
internal static class RenewalSchedule
{
    /// <summary>The shortest time between two renewals in a row, whatever lifetime the provider returns.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MostJitter = TimeSpan.FromMinutes(5);

    /// <summary>When to renew the token. For a token that cannot be renewed, its expiry; null when that is unknown.</summary>
    /// <param name="renewed">Whether the provider issued it now, to replace <paramref name="before"/>; false when it was loaded.</param>
    public static DateTimeOffset? Next(TokenManagerOptions options, Token token, bool canRenew, bool renewed, Token? before, DateTimeOffset now)
    {
        if (!canRenew)
        {
            return token.ExpiresAt;
        }
        if (token.AccessProblem is not null || token.ExpiresAt is not { } expiry || (expiry <= now && !renewed))
        {
            return now;
        }
        var remaining = expiry - now;
        var lifetime = token.Lifetime > TimeSpan.Zero ? token.Lifetime.Value : remaining;
        var margin = Min(options.Margin ?? Max(options.LeastMargin, lifetime / 10), lifetime / 2);
        // Jitter only makes a renewal earlier.
        var at = expiry - margin - (options.Random.NextDouble() * Min(lifetime / 20, MostJitter));
        return renewed ? Max(at, now + ShortestWait(remaining, isLater: !(expiry <= before?.ExpiresAt))) : at;
    }

    /// <summary>Neither the same expiry again nor a very short lifetime may cause a loop.</summary>
    private static TimeSpan ShortestWait(TimeSpan remaining, bool isLater) =>
        !isLater ? Max(Least, remaining / 2) : remaining < TimeSpan.FromSeconds(1) ? Least : Min(Least, remaining / 2);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static T Max<T>(T a, T b) where T : IComparable<T> => a.CompareTo(b) > 0 ? a : b;
}
