using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Accounts;

/// <summary>
/// Limits the requests of an account to its provider's API. Most providers do not document when their day or minute begins, so a limit holds
/// for any time of that length. Each request is on disk before it is sent, so that a restart does not forget it. Only one process can use the
/// file. Thread-safe.
/// </summary>
/// <param name="provider">Its name, for the log.</param>
/// <param name="windows">At least one; all of them hold.</param>
public sealed class RequestBudget(string provider, IReadOnlyList<BudgetWindow> windows, string file, TimeProvider time, ILogger logger)
    : IRequestBudget
{
    private const int LargestFile = 1 << 20;

    /// <summary>With more recorded requests, neighbors are merged, so that the file stays small.</summary>
    private const int MostRecords = 1000;

    private static readonly TimeSpan WaitForDisk = TimeSpan.FromMinutes(15);

    private readonly Lock gate = new();
    private readonly TimeSpan longest = windows.Max(window => window.Window);

    /// <summary>In ascending order. Replaced and never changed, so that <see cref="Used"/> does not wait for the disk.</summary>
    private volatile BudgetRecord[] requests = Load(windows, file, provider, time, logger);

    /// <summary>Requests of the longest window.</summary>
    public int Used => Count(requests, time.GetUtcNow() - longest);

    /// <summary>Why no request is sent now; null if the next one is allowed.</summary>
    public ApiFailure? Failure
    {
        get
        {
            lock (gate)
            {
                var current = Current();
                return WaitFor(current) is { } wait ? Full(current).UsedUp(provider, wait) : null;
            }
        }
    }

    public ValueTask<ApiFailure?> FailureAsync(CancellationToken cancellationToken) => new(Failure);

    public ValueTask<TimeSpan?> ReserveAsync(CancellationToken cancellationToken) => new(Reserve());

    /// <summary>Counts a request before it is sent. Returns how long to wait if no request is left or the file cannot be written.</summary>
    public TimeSpan? Reserve()
    {
        lock (gate)
        {
            var current = Current();
            if (WaitFor(current) is { } wait)
            {
                return wait;
            }
            try
            {
                var next = Merge([.. current, new BudgetRecord(time.GetUtcNow(), 1)]);
                PrivateDirectory.Create(Path.GetDirectoryName(file)!);
                AtomicFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes(BudgetFile.Of(next), BudgetJson.Default.BudgetFile));
                requests = next;
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.LogError("{File} cannot be written ({Reason}), so no request is sent to {Provider}; free the disk or fix the permissions",
                    file, e.Message, provider);
                return WaitForDisk;
            }
        }
    }

    /// <summary>The window that has no request left, or will have none first.</summary>
    private BudgetWindow Full(BudgetRecord[] sent) => windows.MaxBy(window => Count(sent, time.GetUtcNow() - window.Window) - window.Most)!;

    private static int Count(BudgetRecord[] records, DateTimeOffset since) => records.Sum(record => record.At > since ? record.Count : 0);

    /// <summary>The longest wait of all windows. A limit can be lower than the number of requests, because the configuration can change.</summary>
    private TimeSpan? WaitFor(BudgetRecord[] sent)
    {
        var now = time.GetUtcNow();
        TimeSpan? longestWait = null;
        foreach (var (most, window) in windows)
        {
            var left = Count(sent, now - window) - most;
            if (left < 0)
            {
                continue;
            }
            // The request is allowed as soon as the oldest ones above the limit have left the window.
            var wait = most == 0 ? window : TimeSpan.Zero;
            for (var i = 0; i < sent.Length && left >= 0 && most > 0; i++)
            {
                if (sent[i].At > now - window)
                {
                    (left, wait) = (left - sent[i].Count, sent[i].At + window - now);
                }
            }
            longestWait = longestWait > wait ? longestWait : wait;
        }
        return longestWait;
    }

    private BudgetRecord[] Current()
    {
        var now = time.GetUtcNow();
        // After the clock was set back, a request can be newer than now. It must not count for longer than the window.
        return requests =
        [
            .. requests.Where(record => record.At > now - longest).Select(record => record.At > now ? record with { At = now } : record),
        ];
    }

    /// <summary>Merges neighbors into the later one, which counts for longer: the limits still hold.</summary>
    private BudgetRecord[] Merge(List<BudgetRecord> records)
    {
        if (records.Count <= MostRecords)
        {
            return [.. records];
        }
        var (merged, width) = (new List<BudgetRecord>(), longest / (MostRecords / 4));
        foreach (var record in records)
        {
            if (merged is [.., var last] && record.At.Ticks / width.Ticks == last.At.Ticks / width.Ticks)
            {
                merged[^1] = record with { Count = record.Count + last.Count };
            }
            else
            {
                merged.Add(record);
            }
        }
        return [.. merged];
    }

    private static BudgetRecord[] Load(IReadOnlyList<BudgetWindow> windows, string file, string provider, TimeProvider time, ILogger logger)
    {
        try
        {
            return !File.Exists(file) || AtomicFile.Read(file, LargestFile) is not { } content ? []
                : JsonSerializer.Deserialize(content, BudgetJson.Default.BudgetFile)?.Records() ?? throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            var longest = windows.MaxBy(window => window.Window)!;
            logger.LogWarning("{File} cannot be read ({Reason}). No request is sent to {Provider} for {Time}; to resume now, delete the file",
                file, e.Message, provider, longest.Window == TimeSpan.FromDays(1) ? "a day" : GoDuration.Text(longest.Window));
            return longest.Most == 0 ? [] : [new BudgetRecord(time.GetUtcNow(), longest.Most)];
        }
    }
}

/// <param name="At">The time of the last of these requests.</param>
internal sealed record BudgetRecord(DateTimeOffset At, int Count);

/// <param name="Calls">The time of each request, or of the last of several.</param>
/// <param name="Counts">The number of requests at each time; null if each is one.</param>
internal sealed record BudgetFile(IReadOnlyList<DateTimeOffset>? Calls, IReadOnlyList<int>? Counts)
{
    public static BudgetFile Of(BudgetRecord[] records) => new(
        [.. records.Select(record => record.At)], records.All(record => record.Count == 1) ? null : [.. records.Select(record => record.Count)]);

    /// <summary>In ascending order; null without times.</summary>
    public BudgetRecord[]? Records() =>
        Calls is null ? null : [.. Calls.Select((at, i) => new BudgetRecord(at, CountAt(i))).OrderBy(record => record.At)];

    private int CountAt(int index) => index < Counts?.Count ? Math.Max(1, Counts[index]) : 1;
}

[JsonSerializable(typeof(BudgetFile))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
internal sealed partial class BudgetJson : JsonSerializerContext;

/// <summary>Counts every request that reaches the network, including retries, against the budget of its account.</summary>
internal sealed class BudgetHandler : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (ApiAccount.Of(request).Budget is not { } budget || await budget.ReserveAsync(cancellationToken) is not { } wait)
        {
            return await base.SendAsync(request, cancellationToken);
        }
        // The same response as the provider's, without using its quota.
        var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests) { RequestMessage = request };
        response.Headers.RetryAfter = new(TimeSpan.FromSeconds(Math.Ceiling(Math.Max(1, wait.TotalSeconds))));
        return response;
    }
}
