using System.Collections.Immutable;

namespace Exporter.Accounts;

/// <summary>
/// Produces an account's readings, polled or pushed, on its own clock and never during a scrape. All members except
/// <see cref="RunAsync"/> are safe for concurrent use.
/// </summary>
public interface IReadingSource
{
    ReadingStatus Status { get; }

    /// <summary>Completes when the status or the metrics change next. Get it before you read either.</summary>
    Task Changed { get; }

    /// <summary>The metrics of the latest reading at a time, with the status that belongs to them.</summary>
    ReadingMetrics Collect(DateTimeOffset now);

    /// <summary>The latest reading at a time, as people read it.</summary>
    Presentation Present(DateTimeOffset now);

    /// <summary>Reads until <paramref name="cancellationToken"/> is canceled.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>The metrics of one reading.</summary>
/// <param name="ChangesAt">When the metrics change without a new reading, for example because a module becomes stale.</param>
public sealed record ReadingMetrics(IReadOnlyList<MetricFamily> Families, DateTimeOffset? ChangesAt)
{
    public static ReadingMetrics None { get; } = new([], null);

    /// <summary>What the user should know about a reading that succeeded, in sentences; null if there is nothing.</summary>
    public string? Notice { get; init; }

    /// <summary>The status at the time of <see cref="Families"/>.</summary>
    public ReadingStatus Status { get; init; } = new();
}

/// <summary>The outcome of reading so far. Immutable. Counts start at zero with the process, or continue those of a saved reading.</summary>
public sealed record ReadingStatus
{
    /// <summary>Whether the last try succeeded.</summary>
    public bool Up { get; init; }

    /// <summary>When the last try started.</summary>
    public DateTimeOffset? LastTry { get; init; }

    public TimeSpan? LastDuration { get; init; }

    /// <summary>When the last successful try started.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    public DateTimeOffset? NextTry { get; init; }

    /// <summary>Why the last try failed; null if it succeeded.</summary>
    public ApiFailure? Failure { get; init; }

    /// <summary>The <see cref="ReadingMetrics.Notice"/> of the last successful try.</summary>
    public string? Notice { get; init; }

    public long Tries { get; init; }

    /// <summary>The number of failed tries since the last successful one. The wait after a temporary failure grows with it.</summary>
    public int FailuresInARow { get; init; }

    /// <summary>Whether a new token may fix the failure, so that a try is worthwhile as soon as there is one.</summary>
    public bool NeedsToken => Failure is ApiFailure.NoToken or ApiFailure.TokenRefused or ApiFailure.MissingScope;

    /// <summary>The number of failed tries by <see cref="ApiFailure.Kind"/>.</summary>
    public ImmutableSortedDictionary<string, long> Failures { get; init; } = ImmutableSortedDictionary<string, long>.Empty;
}
