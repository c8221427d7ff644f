using System.Collections.Immutable;
using Exporter.Metrics;

namespace Exporter.Accounts;

/// <summary>
/// Where an account's readings come from, whichever way: polled or pushed. Runs on its own clock and never on a
/// scrape's. Everything but <see cref="RunAsync"/> may be called from any thread.
/// </summary>
public interface IFeed
{
    FeedStatus Status { get; }

    /// <summary>Completes at the next change of the status or of what is exposed; take it before reading either.</summary>
    Task Changed { get; }

    /// <summary>The latest reading as families, at this moment, and the status that belongs to it.</summary>
    Exposed Expose(DateTimeOffset now);

    /// <summary>Reads until <paramref name="cancellationToken"/> asks it to stop.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A reading in families. Where time alone changes them (a module grows stale), <paramref name="ChangesAt"/> is when.</summary>
public sealed record Exposed(IReadOnlyList<MetricFamily> Families, DateTimeOffset? ChangesAt)
{
    public static Exposed Nothing { get; } = new([], null);

    /// <summary>How reading went at the very moment of the families.</summary>
    public FeedStatus Status { get; init; } = new();
}

/// <summary>How reading goes. Immutable; counts since the start of the process.</summary>
public sealed record FeedStatus
{
    /// <summary>Whether the last try was good.</summary>
    public bool Up { get; init; }

    /// <summary>When the last try began, good or not.</summary>
    public DateTimeOffset? LastTry { get; init; }

    public TimeSpan? LastDuration { get; init; }

    /// <summary>When the latest reading was taken: the beginning of the last good try.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    public DateTimeOffset? NextTry { get; init; }

    /// <summary>Why the last try gave nothing; null when it was good.</summary>
    public ApiFailure? Failure { get; init; }

    public long Tries { get; init; }

    public ImmutableSortedDictionary<string, long> Failures { get; init; } = ImmutableSortedDictionary<string, long>.Empty;
}

/// <summary>The last of something, for many readers and one writer: an immutable value that is exchanged as a whole.</summary>
public sealed class Latest<T>(T initial) where T : class
{
    private readonly Lock gate = new();
    private volatile T value = initial;
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public T Value => value;

    /// <summary>Completes at the next change; take it before reading <see cref="Value"/>.</summary>
    public Task Changed => changed.Task;

    public void Set(T next)
    {
        lock (gate)
        {
            value = next;
            var done = changed;
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            done.SetResult();
        }
    }
}
