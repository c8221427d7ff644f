using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// Limits the requests to BMW's CarData API. BMW allows 50 a day and does not document when the day begins: users observed midnight UTC and
/// the last 24 hours. A limit for any 24 hours meets both. Each request is on disk before it is sent, so that a restart does not forget it.
/// Only one process can use the file. Thread-safe.
/// </summary>
internal sealed class DailyBudget(int limit, string file, TimeProvider time, ILogger logger)
{
    /// <summary>BMW's quota for a user, shared by all programs.</summary>
    public const int BmwQuota = 50;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly Lock gate = new();

    /// <summary>Replaced and never changed, so that <see cref="Used"/> does not wait for the disk.</summary>
    private volatile DateTimeOffset[] requests = Load(limit, file, time, logger);

    public int Limit => limit;

    /// <summary>Requests of the last 24 hours.</summary>
    public int Used => requests.Count(at => at > time.GetUtcNow() - Day);

    /// <summary>How long until the next request is allowed; null if it is allowed now.</summary>
    public TimeSpan? RetryAfter { get { lock (gate) { return WaitFor(Current()); } } }

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
                DateTimeOffset[] next = [.. current, time.GetUtcNow()];
                BmwStateFiles.Write(file, JsonSerializer.SerializeToUtf8Bytes(new BudgetFile(next), BmwStateJson.Default.BudgetFile));
                requests = next;
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.LogError(
                    "{File} cannot be written ({Reason}), so no request is sent to BMW; free the disk or fix the permissions", file, e.Message);
                return TimeSpan.FromMinutes(15);
            }
        }
    }

    /// <summary>The limit can be lower than the number of requests, because the setting can change.</summary>
    private TimeSpan? WaitFor(DateTimeOffset[] sent) =>
        sent.Length < limit ? null : limit == 0 ? Day : sent[sent.Length - limit] + Day - time.GetUtcNow();

    private DateTimeOffset[] Current()
    {
        var now = time.GetUtcNow();
        // After the clock was set back, a request can be newer than now. It must not count for longer than a day.
        return requests = [.. requests.Where(at => at > now - Day).Select(at => at > now ? now : at)];
    }

    private static DateTimeOffset[] Load(int limit, string file, TimeProvider time, ILogger logger)
    {
        try
        {
            return !File.Exists(file) || AtomicFile.Read(file, BmwStateFiles.Largest) is not { } content ? []
                : JsonSerializer.Deserialize(content, BmwStateJson.Default.BudgetFile)?.Calls is { } times ? [.. times.Order()]
                : throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.LogWarning(
                "{File} cannot be read ({Reason}). No request is sent to BMW for a day; to resume now, delete the file", file, e.Message);
            return [.. Enumerable.Repeat(time.GetUtcNow(), limit)];
        }
    }
}

/// <summary>The innermost handler: it counts every request that reaches the network, including retries.</summary>
internal sealed class BudgetHandler : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (((BmwAccount)ApiAccount.Of(request)).Budget.Reserve() is not { } wait)
        {
            return base.SendAsync(request, cancellationToken);
        }
        // The same response as BMW's, without using BMW's quota.
        var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests) { RequestMessage = request };
        response.Headers.RetryAfter = new(TimeSpan.FromSeconds(Math.Ceiling(Math.Max(1, wait.TotalSeconds))));
        return Task.FromResult(response);
    }
}
