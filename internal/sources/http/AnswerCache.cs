namespace Exporter.Http;

/// <summary>
/// The answers of earlier rounds that still count: those of requests with a longer interval than the module, and those of a round that failed
/// later. Not thread-safe.
/// </summary>
internal sealed class AnswerCache
{
    /// <summary>A poll may be a little early.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);

    /// <summary>An answer that is not older than the request's interval.</summary>
    public bool TryGet(ModuleRequest request, HttpCall call, DateTimeOffset now, out object? value) =>
        TryGet(call, request.Interval - Slack, now, out value);

    /// <summary>An answer that counts although the request fails.</summary>
    public bool TryGetKept(ModuleRequest request, HttpCall call, DateTimeOffset now, out object? value) =>
        TryGet(call, request.Keep, now, out value);

    /// <param name="now">The start of the round, because the interval counts from there.</param>
    public void Add(HttpCall call, object? value, DateTimeOffset now) => entries[call.Identity] = new Entry(value, now);

    /// <summary>Removes what no later round uses, so that large answers are not kept.</summary>
    /// <param name="used">The calls of a complete round.</param>
    public void Trim(IEnumerable<RequestCall> used, TimeSpan interval)
    {
        var kept = used.Where(one => one.Request.Interval > interval || one.Request.Keep > TimeSpan.Zero).Select(one => one.Call.Identity)
            .ToHashSet();
        foreach (var identity in entries.Keys.Where(identity => !kept.Contains(identity)).ToList())
        {
            entries.Remove(identity);
        }
    }

    private bool TryGet(HttpCall call, TimeSpan longest, DateTimeOffset now, out object? value)
    {
        var found = entries.GetValueOrDefault(call.Identity);
        value = found?.Value;
        // After the clock was set back, an answer can be newer than now.
        return found is not null && (now - found.At).Duration() < longest;
    }

    private sealed record Entry(object? Value, DateTimeOffset At);
}

internal sealed record RequestCall(ModuleRequest Request, HttpCall Call);
