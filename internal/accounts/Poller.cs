using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>How to poll a provider.</summary>
/// <param name="Interval">From the start of one poll to the start of the next.</param>
public sealed record PollerOptions(TimeSpan Interval)
{
    /// <summary>Waits after a temporary failure; never longer than the interval.</summary>
    public Backoff Retry { get; init; } = new(TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(15));

    /// <summary>The wait after "too many requests" without Retry-After.</summary>
    public TimeSpan RateLimited { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A reading beyond it has failed.</summary>
    public SeriesLimit Series { get; init; } = SeriesLimit.Default;

    public Random Random { get; init; } = Random.Shared;

    /// <summary>Called once, when the poller starts.</summary>
    public Action Starting { get; init; } = () => { };
}

/// <summary>
/// Polls a provider on its own clock, because providers limit requests, and keeps the last good reading. Without a token it waits for one;
/// the first poll is immediate.
/// </summary>
/// <param name="poll">One poll. It may throw <see cref="TokenUnavailableException"/>.</param>
/// <param name="collect">Pure: the metrics of a reading at a time.</param>
/// <param name="present">Pure: a reading at a time, as people read it.</param>
/// <param name="format">How readings are saved.</param>
public sealed class Poller<T>(
    string account,
    Func<CancellationToken, Task<Result<T, ApiFailure>>> poll,
    Func<T, DateTimeOffset, ReadingMetrics> collect,
    Func<T, DateTimeOffset, Presentation> present,
    ReadingFormat<T> format,
    TokenManager manager,
    PollerOptions options,
    TimeProvider time,
    ILogger logger) : IPolledReadingSource where T : class
{
    private readonly Latest<State> latest = new(new State(null, ReadingMetrics.None, new ReadingStatus()));

    public ReadingStatus Status => latest.Value.Status;

    /// <summary>The last good reading; null before the first.</summary>
    public T? Reading => latest.Value.Reading;

    public Task Changed => latest.Changed;

    public ReadingMetrics Collect(DateTimeOffset now)
    {
        var (reading, metrics, status) = latest.Value;
        return (reading is null || !(metrics.ChangesAt <= now) ? metrics : collect(reading, now)) with { Status = status };
    }

    public Presentation Present(DateTimeOffset now) => latest.Value.Reading is { } reading ? present(reading, now) : Presentation.Empty;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        options.Starting();
        try
        {
            while (true)
            {
                await WaitForTokenAsync(cancellationToken);
                var token = manager.Snapshot.State.Token?.AccessToken;
                await PollOnceAsync(cancellationToken);
                await WaitForNextPollAsync(token, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    public async Task PollOnceAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var before = latest.Value;
        var metrics = ReadingMetrics.None;
        Result<T, ApiFailure> result;
        try
        {
            result = await poll(cancellationToken);
            if (result.Value is { } found)
            {
                metrics = collect(found, time.GetUtcNow());
                result = options.Series.Check(metrics.Families) is { } tooMany ? tooMany : result;
            }
        }
        catch (TokenUnavailableException e)
        {
            result = new ApiFailure.NoToken(e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogError(e, "account {Account}: polling failed because of a bug; report this error", account);
            result = new ApiFailure.Unavailable($"polling failed because of a bug ({e.GetType().Name})");
        }
        // Calculated back from the current clock: it may have been set during the poll, for example at boot.
        var took = time.GetElapsedTime(started);
        var startedAt = time.GetUtcNow() - took;
        var status = before.Status with { LastTry = startedAt, LastDuration = took, Tries = before.Status.Tries + 1 };
        latest.Set(result.Failure is { } failure
            ? before with { Status = Failed(status, startedAt, failure) }
            : new State(result.Value, metrics, Succeeded(status, startedAt, metrics.Notice)));
    }

    public SavedReading Save()
    {
        var (reading, _, status) = latest.Value;
        return new(
            SavedReadingJson.Write(format.Source, status, reading is null ? null : writer => format.Write(writer, reading)),
            format.Memory is { } memory ? SavedReadingJson.WriteMemory(format.Source, memory.Write) : null);
    }

    public string? Restore(SavedReading saved, DateTimeOffset now)
    {
        var (parts, problem) = SavedReadingJson.Read(saved, format.Source);
        if (parts is null)
        {
            return problem;
        }
        var forgotten = saved.Memory is { } memory ? RestoreMemory(memory) : null;
        try
        {
            var reading = parts.Reading is { } json ? format.Read(json) ?? throw new JsonException() : null;
            latest.Set(new State(reading, reading is null ? ReadingMetrics.None : collect(reading, now), parts.Status));
            return forgotten;
        }
        catch (Exception e) when (SavedReadingJson.IsDamage(e))
        {
            latest.Set(new State(null, ReadingMetrics.None, parts.Status with { NextTry = now }));
            return "The saved reading is damaged, so it is read again now; its status is kept.";
        }
    }

    /// <returns>Why the memory is not used; null if it is, or if polls need none.</returns>
    private string? RestoreMemory(ReadOnlyMemory<byte> saved)
    {
        if (format.Memory is null)
        {
            return null;
        }
        var (memory, problem) = SavedReadingJson.ReadMemory(saved, format.Source);
        try
        {
            if (memory is { } json)
            {
                format.Memory.Read(json);
                return null;
            }
        }
        catch (Exception e) when (SavedReadingJson.IsDamage(e))
        {
            problem = "The saved memory of polls is damaged";
        }
        return $"{problem}, so the next poll sends all requests.";
    }

    private async Task WaitForTokenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            if (manager.Snapshot.State is TokenState.Active || manager.Snapshot.State.Token?.IsUsable(time.GetUtcNow()) == true)
            {
                return;
            }
            await Deadline.Of(time.GetUtcNow() + Deadline.LongestWait, time).WaitAsync(time, [changed], cancellationToken);
        }
    }

    private ReadingStatus Succeeded(ReadingStatus status, DateTimeOffset startedAt, string? notice)
    {
        if (status.FailuresInARow > 0 || status.ReadAt is null)
        {
            var outcome = status.ReadAt is null ? "first reading succeeded" : "reading succeeded again";
            logger.LogInformation("account {Account}: {Outcome}", account, outcome);
        }
        if (notice is not null && notice != status.Notice)
        {
            logger.LogWarning("account {Account}: {Notice}", account, notice);
        }
        return status with
        {
            Up = true,
            Notice = notice,
            ReadAt = startedAt,
            Failure = null,
            FailuresInARow = 0,
            NextTry = startedAt + options.Interval,
        };
    }

    private ReadingStatus Failed(ReadingStatus status, DateTimeOffset startedAt, ApiFailure failure)
    {
        var failuresInARow = status.FailuresInARow == int.MaxValue ? int.MaxValue : status.FailuresInARow + 1;
        var now = time.GetUtcNow();
        var next = failure switch
        {
            ApiFailure.RateLimited => now + (failure.RetryAfter ?? options.RateLimited),
            ApiFailure.Unavailable or ApiFailure.NoToken =>
                now + new[] { options.Retry.After(failuresInARow, options.Random, failure.RetryAfter), options.Interval }.Min(),
            _ => startedAt + options.Interval,
        };
        // The token manager logs a missing token too, so once is enough here.
        if (failure is not ApiFailure.NoToken || status.Failure is not ApiFailure.NoToken)
        {
            logger.Log(failure is ApiFailure.NoToken || (failure is ApiFailure.Unavailable && failuresInARow < 3) ? LogLevel.Warning : LogLevel.Error,
                "account {Account}: reading failed, trying again at {Next:u}: {Reason}", account, next, failure.Reason);
        }
        return status with
        {
            Up = false,
            Failure = failure,
            FailuresInARow = failuresInARow,
            NextTry = next,
            Failures = status.Failures.SetItem(failure.Kind, status.Failures.GetValueOrDefault(failure.Kind) + 1),
        };
    }

    /// <summary>Waits until the next try is due, or until a new token arrives after a failure that a token can fix.</summary>
    /// <param name="used">The token of the last try.</param>
    private async Task WaitForNextPollAsync(Secret? used, CancellationToken cancellationToken)
    {
        var needsToken = Status.NeedsToken;
        for (var deadline = Deadline.Of(Status.NextTry!.Value, time); !deadline.IsDue(time);)
        {
            var changed = manager.Changed;
            if (needsToken && manager.Snapshot.State is TokenState.Active { Held.AccessToken: { } token } && !token.Equals(used))
            {
                return;
            }
            await deadline.WaitAsync(time, needsToken ? [changed] : [], cancellationToken);
        }
    }

    /// <param name="Metrics">As of the poll.</param>
    private sealed record State(T? Reading, ReadingMetrics Metrics, ReadingStatus Status);
}
