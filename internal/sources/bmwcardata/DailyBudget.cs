using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// How many calls of the customer interface may still be made. BMW allows 50 a day and does not say when its day begins: midnight UTC
/// and the last 24 hours were both seen. So many within any 24 hours are within either. A call is on disk before it is made, so that no
/// restart forgets it; one process owns the file. Thread-safe.
/// </summary>
internal sealed class DailyBudget(int limit, string file, TimeProvider time, ILogger logger)
{
    /// <summary>What BMW allows a user, all programs together.</summary>
    public const int Allowed = 50;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly Lock gate = new();

    /// <summary>Replaced and never changed, so that who only looks waits for no disk.</summary>
    private volatile DateTimeOffset[] calls = Load(limit, file, time, logger);

    public int Limit => limit;

    /// <summary>Calls of the last 24 hours.</summary>
    public int Used
    {
        get
        {
            var (used, since) = (0, time.GetUtcNow() - Day);
            foreach (var at in calls)
            {
                used += at > since ? 1 : 0;
            }
            return used;
        }
    }

    /// <summary>Counts a call that is about to be made; how long to wait where there is none left, or where it cannot be put on record.</summary>
    public TimeSpan? Take()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            var made = Current();
            if (made.Length >= limit)
            {
                return Wait(made, now);
            }
            try
            {
                DateTimeOffset[] next = [.. made, now];
                Save(next);
                calls = next;
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.LogError("{File} cannot be written ({Reason}): without it a restart would forget how often BMW was asked, so BMW is not asked", file, e.Message);
                return TimeSpan.FromMinutes(15);
            }
        }
    }

    /// <summary>How long until there is a call again; null when there is one.</summary>
    public TimeSpan? Exhausted { get { lock (gate) { return Current() is var made && made.Length >= limit ? Wait(made, time.GetUtcNow()) : null; } } }

    /// <summary>Until so many have aged that one is free; the limit may have been lowered since.</summary>
    private TimeSpan Wait(DateTimeOffset[] made, DateTimeOffset now) => limit == 0 ? Day : made[made.Length - limit] + Day - now;

    private DateTimeOffset[] Current()
    {
        var now = time.GetUtcNow();
        // A clock that was set back: the call is newer than now, and must not count for longer than a day.
        return calls = [.. calls.Where(at => at > now - Day).Select(at => at > now ? now : at)];
    }

    private static DateTimeOffset[] Load(int limit, string file, TimeProvider time, ILogger logger)
    {
        try
        {
            return !File.Exists(file) ? []
                : JsonSerializer.Deserialize(File.ReadAllBytes(file), BmwStateJson.Default.BudgetFile)?.Calls is { } times ? [.. times.Order()]
                : throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.LogWarning("{File} cannot be read ({Reason}); since it does not tell how often BMW was asked, BMW is not asked for a day. Delete the file to go on at once", file, e.Message);
            return [.. Enumerable.Repeat(time.GetUtcNow(), limit)];
        }
    }

    private void Save(DateTimeOffset[] made)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        AtomicFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes(new BudgetFile(made), BmwStateJson.Default.BudgetFile));
    }
}

/// <summary>The innermost handler: every call that reaches the network is counted, so retries are calls too.</summary>
internal sealed class BudgetHandler : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (((BmwAccount)ApiAccount.Of(request)).Budget.Take() is not { } wait)
        {
            return base.SendAsync(request, cancellationToken);
        }
        // BMW's own answer would be this, and cost the next day's patience.
        var refusal = new HttpResponseMessage(HttpStatusCode.TooManyRequests) { RequestMessage = request };
        refusal.Headers.RetryAfter = new(TimeSpan.FromSeconds(Math.Ceiling(Math.Max(1, wait.TotalSeconds))));
        return Task.FromResult(refusal);
    }
}

/// <param name="Calls">When each was made.</param>
internal sealed record BudgetFile(IReadOnlyList<DateTimeOffset>? Calls);

/// <summary>What was found out about the cars, and when.</summary>
internal sealed record CarsFile(DateTimeOffset At, IReadOnlyList<CarInfo>? Cars);

[JsonSerializable(typeof(BudgetFile))]
[JsonSerializable(typeof(CarsFile))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
internal sealed partial class BmwStateJson : JsonSerializerContext;
