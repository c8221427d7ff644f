using System.Globalization;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>Makes the metrics page. A program without one serves the page of its <see cref="MetricsCache"/>. Safe for concurrent use.</summary>
public interface IMetricsSource
{
    /// <param name="shard">Only the accounts of this part; null for the page of the whole program.</param>
    ValueTask<MetricsPage> PageAsync(ExpositionFormat format, bool gzip, Shard? shard, CancellationToken cancellationToken);
}

/// <summary>Whether the program can serve its pages yet. A program without it can as soon as it listens. Safe for concurrent use.</summary>
public interface IReadiness
{
    /// <summary>What the program waits for, as a sentence; null if it is ready.</summary>
    string? Waiting { get; }
}

/// <summary>One of several parts of all accounts. An account is always in the same part.</summary>
/// <param name="Index">From 0.</param>
public sealed record Shard(int Index, int Count)
{
    public const int MostShards = 100;

    /// <summary>A shard as <c>I/N</c>, or why the text is none, as a sentence.</summary>
    public static Result<Shard, string> Parse(string text) =>
        text.Split('/') is [var index, var count]
        && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var i)
        && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
        && n is > 0 and <= MostShards && i < n
            ? new Shard(i, n)
            : new Result<Shard, string>(null, $"shard must be I/N with I below N and N of at most {MostShards}, for example shard=0/4 to shard=3/4.");
}
