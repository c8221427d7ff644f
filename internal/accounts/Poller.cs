using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>How a provider is polled.</summary>
/// <param name="Interval">From the beginning of one poll to that of the next.</param>
public sealed record PollerOptions(TimeSpan Interval)
{
    /// <summary>Waits after a failure that may pass; never longer than the interval.</summary>
    public Backoff Retry { get; init; } = new(TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(15));

    /// <summary>After "too many requests" without a word on how long.</summary>
    public TimeSpan RateLimited { get; init; } = TimeSpan.FromHours(1);

    public Random Random { get; init; } = Random.Shared;

    /// <summary>Called once, when the poller starts to run.</summary>
    public Action Starting { get; init; } = () => { };
}

/// <summary>
/// Asks a provider on our own clock, because it limits requests or changes slowly, and keeps the last good answer. Without a
/// token it waits for one; the first poll comes at once.
/// </summary>
/// <param name="poll">One poll. A <see cref="TokenUnavailableException"/> is an answer too.</param>
/// <param name="expose">Pure: the families of a reading at a moment.</param>
public sealed class Poller<T>(
    string account,
    Func<CancellationToken, Task<PollResult<T>>> poll,
    Func<T, DateTimeOffset, Exposed> expose,
    TokenManager manager,
    PollerOptions options,
    TimeProvider time,
    ILogger logger) : IFeed where T : class
{
    /// <summary>Clocks step and machines sleep, so no wait is longer in one piece.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    private readonly Latest<Polled> latest = new(new Polled(null, new FeedStatus()));
    private int failuresInARow;

    public FeedStatus Status => latest.Value.Status;

    /// <summary>The last good answer; null before the first.</summary>
    public T? Reading => latest.Value.Reading;

    public Task Changed => latest.Changed;

    public Exposed Expose(DateTimeOffset now)
    {
        var (reading, status) = latest.Value;
        return (reading is null ? Exposed.Nothing : expose(reading, now)) with { Status = status };
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        options.Starting();
        try
        {
            while (true)
            {
                await TokenAsync(cancellationToken);
                var asked = manager.Snapshot.State.Token?.AccessToken;
                await PollAsync(cancellationToken);
                await PauseAsync(asked, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Waits until there is a token that can be asked for. Looks again now and then, for time alone may make one due.</summary>
    private async Task TokenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = manager.Changed;
            if (manager.Snapshot.State is TokenState.Active || manager.Snapshot.State.Token?.IsUsable(time.GetUtcNow()) == true)
            {
                return;
            }
            await WaitAsync(Step, changed, cancellationToken);
        }
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var before = latest.Value;
        PollResult<T> answer;
        try
        {
            answer = await poll(cancellationToken);
        }
        catch (TokenUnavailableException e)
        {
            answer = new PollResult<T>.Failed(new ApiFailure.NoToken(e.Message));
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogError(e, "account {Account}: polling failed in a way that was not foreseen", account);
            answer = new PollResult<T>.Failed(new ApiFailure.Unavailable($"polling failed in a way that was not foreseen ({e.GetType().Name})"));
        }
        // Told by the clock as it is now: it may have been set meanwhile, as at boot.
        var took = time.GetElapsedTime(started);
        var began = time.GetUtcNow() - took;
        var status = before.Status with { LastTry = began, LastDuration = took, Tries = before.Status.Tries + 1 };
        latest.Set(answer switch
        {
            PollResult<T>.Success(var reading) => new Polled(reading, Succeeded(status, began)),
            PollResult<T>.Failed(var failure) => before with { Status = Failed(status, began, failure) },
            _ => throw new InvalidOperationException("an answer is good or not"),
        });
    }

    private FeedStatus Succeeded(FeedStatus status, DateTimeOffset began)
    {
        if (failuresInARow > 0 || status.ReadAt is null)
        {
            logger.LogInformation("account {Account}: reading is fine", account);
        }
        failuresInARow = 0;
        return status with { Up = true, ReadAt = began, Failure = null, NextTry = began + options.Interval };
    }

    private FeedStatus Failed(FeedStatus status, DateTimeOffset began, ApiFailure failure)
    {
        failuresInARow++;
        var now = time.GetUtcNow();
        var next = failure switch
        {
            ApiFailure.RateLimited => now + (failure.RetryAfter ?? options.RateLimited),
            ApiFailure.Unavailable or ApiFailure.NoToken => now + Min(options.Retry.After(failuresInARow, options.Random, failure.RetryAfter), options.Interval),
            ApiFailure.TokenRefused or ApiFailure.MissingScope or ApiFailure.Rejected => began + options.Interval,
            _ => throw new InvalidOperationException("a poll fails in no other way"),
        };
        if (failure is not ApiFailure.NoToken || status.Failure is not ApiFailure.NoToken)
        {
            // A token manager without a token has said so itself; here it is said once.
            logger.Log(failure is ApiFailure.NoToken || (failure is ApiFailure.Unavailable && failuresInARow < 3) ? LogLevel.Warning : LogLevel.Error,
                "account {Account}: reading failed, trying again at {Next:u}: {Reason}", account, next, failure.Reason);
        }
        return status with
        {
            Up = false,
            Failure = failure,
            NextTry = next,
            Failures = status.Failures.SetItem(failure.Kind, status.Failures.GetValueOrDefault(failure.Kind) + 1),
        };
    }

    /// <summary>Until the next try; a new token, after a failure that a token can mend, ends the pause.</summary>
    /// <param name="refused">The token that the last try was made with.</param>
    private async Task PauseAsync(Secret? refused, CancellationToken cancellationToken)
    {
        var mendable = Status.Failure is ApiFailure.NoToken or ApiFailure.TokenRefused or ApiFailure.MissingScope;
        for (var pause = new Pause(Status.NextTry!.Value, time); pause.Left is var left && left > TimeSpan.Zero;)
        {
            var changed = manager.Changed;
            if (mendable && manager.Snapshot.State is TokenState.Active { Held.AccessToken: { } token } && !token.Equals(refused))
            {
                return;
            }
            await WaitAsync(Min(left, Step), mendable ? changed : null, cancellationToken);
        }
    }

    private async Task WaitAsync(TimeSpan longest, Task? orUntil, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Task.Delay cuts off what is less than a millisecond, and would then not wait at all.
        var delay = Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(longest.TotalMilliseconds)), time, done.Token);
        await (orUntil is null ? Task.WhenAny(delay) : Task.WhenAny(delay, orUntil));
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private sealed record Polled(T? Reading, FeedStatus Status);
}
