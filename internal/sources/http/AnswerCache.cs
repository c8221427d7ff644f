using System.Security.Cryptography;
using System.Text;

namespace Exporter.Http;

/// <summary>
/// The answers of earlier rounds that still count: those of requests with a longer interval than the module, and those of a round that failed
/// later. Not thread-safe.
/// </summary>
/// <param name="fingerprint">Of the module. Answers that were saved by another one do not count.</param>
internal sealed class AnswerCache(string fingerprint)
{
    /// <summary>A poll may be a little early.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    /// <summary>For answers of a round that is not complete, such as one that waits for a rate limit.</summary>
    private static readonly TimeSpan LongestRound = TimeSpan.FromHours(1);

    private readonly Dictionary<string, CachedAnswer> entries = new(StringComparer.Ordinal);

    /// <summary>The answers, to continue in another process.</summary>
    public PollMemory Memory => new(
        writer => AnswerMemory.Write(writer, entries.Select(entry => (entry.Key, entry.Value))),
        json =>
        {
            var saved = AnswerMemory.Read(json);
            entries.Clear();
            foreach (var (key, answer) in saved)
            {
                entries[key] = answer;
            }
        });

    /// <summary>An answer that is not older than the request's interval.</summary>
    public bool TryGet(ModuleRequest request, HttpCall call, DateTimeOffset now, out object? value) =>
        TryGet(call, entry => !entry.IsRead && request.Interval < LongestRound ? LongestRound : request.Interval - Slack, now, out value);

    /// <summary>An answer that counts although the request fails.</summary>
    public bool TryGetKept(ModuleRequest request, HttpCall call, DateTimeOffset now, out object? value) =>
        TryGet(call, _ => request.Keep, now, out value);

    /// <param name="now">The start of the round, because the interval counts from there.</param>
    public void Add(HttpCall call, object? value, DateTimeOffset now) => entries[KeyOf(call)] = new CachedAnswer(value, now, IsRead: false);

    /// <summary>Removes what no later round uses, so that large answers are not kept.</summary>
    /// <param name="used">The calls of a complete round.</param>
    public void Trim(IEnumerable<RequestCall> used, TimeSpan interval)
    {
        var kept = used.Where(one => one.Request.Interval > interval || one.Request.Keep > TimeSpan.Zero)
            .Select(one => KeyOf(one.Call)).ToHashSet();
        foreach (var (identity, entry) in entries.ToList())
        {
            if (kept.Contains(identity))
            {
                entries[identity] = entry with { IsRead = true };
            }
            else
            {
                entries.Remove(identity);
            }
        }
    }

    private bool TryGet(HttpCall call, Func<CachedAnswer, TimeSpan> longest, DateTimeOffset now, out object? value)
    {
        var found = entries.GetValueOrDefault(KeyOf(call));
        value = found?.Value;
        // After the clock was set back, an answer can be newer than now.
        return found is not null && (now - found.At).Duration() < longest(found);
    }

    /// <summary>A hash, because the identity of a call contains secrets, and keys are saved.</summary>
    private string KeyOf(HttpCall call) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{fingerprint}\n{call.Identity}")));
}

/// <param name="At">The start of the round that has the answer.</param>
/// <param name="IsRead">Whether a complete reading contains it.</param>
internal sealed record CachedAnswer(object? Value, DateTimeOffset At, bool IsRead);

internal sealed record RequestCall(ModuleRequest Request, HttpCall Call);
