namespace Exporter.Tokens;

/// <summary>Exponential back-off with full jitter: the n-th wait is a random part of <c>First·2ⁿ</c>, never more than <c>Longest</c>.</summary>
public sealed record Backoff(TimeSpan First, TimeSpan Longest)
{
    /// <summary>No wait is shorter than this, so that a run of small random numbers is not a burst.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    /// <param name="failures">The number of attempts in a row that failed, 1 or more.</param>
    /// <param name="retryAfter">The Retry-After of the response: used when it is longer, up to an hour.</param>
    public TimeSpan After(int failures, Random random, TimeSpan? retryAfter = null)
    {
        var ceiling = Math.Min(Longest.TotalSeconds, First.TotalSeconds * Math.Pow(2, Math.Clamp(failures - 1, 0, 30)));
        return AtLeast(TimeSpan.FromSeconds(Math.Max(Shortest.TotalSeconds, ceiling * random.NextDouble())), retryAfter);
    }

    /// <summary>The wait, or the Retry-After of the response when it is longer, up to an hour.</summary>
    internal static TimeSpan AtLeast(TimeSpan wait, TimeSpan? retryAfter) =>
        retryAfter is not { } asked || asked <= wait ? wait : asked < LongestAsked ? asked : LongestAsked;
}
