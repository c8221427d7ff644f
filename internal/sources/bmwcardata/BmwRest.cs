using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// Reads from BMW's CarData API what the stream does not send: once a day the descriptions of the cars, and once after a start their last
/// values. All requests count against the <see cref="Budget"/>.
/// </summary>
/// <param name="file">Stores the descriptions of the cars across restarts; null if a shared store has them.</param>
internal sealed class BmwRest(IBmwApi api, BmwAccount account, BmwCarDataOptions options, string? file, TimeProvider time, ILogger logger)
{
    /// <summary>BMW's quota for a user, shared by all programs.</summary>
    public const int DailyQuota = 50;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);
    private static readonly Backoff Retry = new(TimeSpan.FromMinutes(15), TimeSpan.FromHours(6));

    private readonly BmwContainers containers = new(api, account, time, logger);
    private volatile CarDescriptions descriptions = new(DateTimeOffset.MinValue, []);
    private volatile ApiFailure? failure;
    private int failuresInARow;

    public CarDescriptions Descriptions => descriptions;

    public IReadOnlyList<CarInfo> Cars => descriptions.Cars!;

    /// <summary>Why the last attempt failed; null if it succeeded.</summary>
    public ApiFailure? Failure => failure;

    public IRequestBudget Budget => account.Budget!;

    public static BmwRest Open(BmwCarDataOptions options, TokenManager manager, AccountContext context, ILogger logger)
    {
        var directory = Path.Combine(context.StateDirectory, "bmw-cardata", Uri.EscapeDataString(context.Name));
        // BMW counts the requests of a user, whatever client sends them.
        var key = new BudgetKey(BmwCarDataSource.SourceName, "BMW", context.Name);
        var budget = context.OpenBudget(key, [new BudgetWindow(options.RestDailyCalls, Day)], Path.Combine(directory, "calls.json"), logger);
        var account = new BmwAccount(manager, options.Api!, budget);
        var file = context.KeepsFiles ? Path.Combine(directory, "cars.json") : null;
        return new BmwRest(context.Services.GetRequiredService<IBmwApi>(), account, options, file, context.Time, logger);
    }

    /// <summary>Continues with descriptions that were read before.</summary>
    public void Restore(CarDescriptions stored)
    {
        // If the setting vin has changed since, the exporter reads the descriptions again.
        var known = (stored.Cars ?? []).Where(car => car?.Vin is not null).ToList();
        var wanted = known.Where(car => options.Follows(car.Vin)).ToList();
        var isComplete = wanted.Count == known.Count && options.Vins.All(vin => known.Any(car => car.Vin == vin));
        descriptions = new CarDescriptions(isComplete ? stored.At : DateTimeOffset.MinValue, wanted);
    }

    /// <param name="onCars">Called with the descriptions of the cars when they change.</param>
    /// <param name="onValues">Called with the last values of each car after a start.</param>
    public async Task RunAsync(Action<IReadOnlyList<CarInfo>> onCars, Action<BmwMessage> onValues, CancellationToken cancellationToken)
    {
        Load();
        onCars(Cars);
        // The cars whose last values are missing; null until the cars are known.
        Queue<string>? pending = null;
        while (true)
        {
            var wait = TimeSpan.Zero;
            if (time.GetUtcNow() - descriptions.At is var age && (age >= Day || age < TimeSpan.Zero))
            {
                wait = await TryAsync(ReadCarsAsync(cancellationToken), cancellationToken);
                onCars(Cars);
            }
            if (wait == TimeSpan.Zero && (pending ??= new(Cars.Select(car => car.Vin))).Count > 0)
            {
                wait = await TryAsync(ReadValuesAsync(pending, onValues, cancellationToken), cancellationToken);
            }
            await PauseAsync(wait > TimeSpan.Zero ? wait : descriptions.At + Day - time.GetUtcNow(), cancellationToken);
        }
    }

    /// <summary>Completes a step. Returns how long to wait after it: zero if it succeeded. An unexpected exception is a failure too.</summary>
    private async Task<TimeSpan> TryAsync(Task<ApiFailure?> step, CancellationToken cancellationToken)
    {
        var before = failure;
        try
        {
            failure = await step;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogError(e, "a request to BMW's CarData API failed unexpectedly");
            failure = new ApiFailure.Unavailable($"the request failed unexpectedly ({e.GetType().Name})");
        }
        if (failure is not { } result)
        {
            failuresInARow = 0;
            return TimeSpan.Zero;
        }
        failuresInARow++;
        var wait = result switch
        {
            // Checking for a login costs no request.
            ApiFailure.NoToken => Deadline.LongestWait,
            ApiFailure.RateLimited => result.RetryAfter ?? Retry.Longest,
            ApiFailure.Unavailable => Retry.After(failuresInARow, Random.Shared, result.RetryAfter),
            _ => Retry.Longest,
        };
        wait = wait > Deadline.LongestWait ? wait : Deadline.LongestWait;
        if (before?.Reason != result.Reason)
        {
            logger.LogWarning("BMW's CarData API returned no data, next attempt in {Wait:c}: {Reason}",
                TimeSpan.FromMinutes(Math.Ceiling(wait.TotalMinutes)), result.Reason);
        }
        return wait;
    }

    private async Task<ApiFailure?> ReadCarsAsync(CancellationToken cancellationToken)
    {
        var (mappings, error) = await account.SendAsync(
            () => api.GetMappings(account, cancellationToken), MappedCar.List, time, cancellationToken);
        if (mappings is null)
        {
            return error;
        }
        var cars = new List<CarInfo>();
        foreach (var car in mappings.Where(car => options.Follows(car.Vin)))
        {
            if (!car.Primary)
            {
                logger.LogWarning("BMW returns no data for a car if you are not its primary user; log in as that user, or list your cars in vin");
                continue;
            }
            (var info, error) = await account.SendAsync(
                () => api.GetBasicData(account, car.Vin, cancellationToken), json => CarInfo.From(car.Vin, json), time, cancellationToken);
            if (error is ApiFailure.Rejected)
            {
                logger.LogWarning("the description of a car cannot be read: {Reason}", error.Reason);
                info = new CarInfo(car.Vin, null, null, null, null);
            }
            if (info is null)
            {
                return error;
            }
            cars.Add(info);
        }
        Save(new CarDescriptions(time.GetUtcNow(), cars));
        return null;
    }

    private async Task<ApiFailure?> ReadValuesAsync(Queue<string> pending, Action<BmwMessage> onValues, CancellationToken cancellationToken)
    {
        var (container, error) = await containers.GetAsync(cancellationToken);
        if (container is null)
        {
            return error;
        }
        while (pending.TryPeek(out var vin))
        {
            (var message, error) = await account.SendAsync(
                () => api.GetTelematicData(account, vin, container.Id, cancellationToken),
                json => Json.Member(json, "telematicData") is { ValueKind: JsonValueKind.Object } data
                    ? BmwMessageParser.FromData(vin, data)
                    : null,
                time,
                cancellationToken);
            if (message is not null)
            {
                onValues(message);
            }
            else if (error is ApiFailure.Rejected)
            {
                logger.LogWarning("the last values of a car cannot be read: {Reason}", error.Reason);
            }
            else
            {
                return error;
            }
            pending.Dequeue();
        }
        return null;
    }

    /// <summary>A login completes the wait for a missing token. A renewal does not, because requests are limited.</summary>
    private async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        for (var deadline = Deadline.Of(time.GetUtcNow() + wait, time); !deadline.IsDue(time);)
        {
            var needsToken = failure is ApiFailure.NoToken;
            var changed = account.TokenManager!.Changed;
            if (needsToken && account.TokenManager.Snapshot.State is TokenState.Active { Held: var token } && token.IsUsable(time.GetUtcNow()))
            {
                return;
            }
            await deadline.WaitAsync(time, needsToken ? [changed] : [], cancellationToken);
        }
    }

    private void Load()
    {
        try
        {
            if (file is not null && File.Exists(file) && AtomicFile.Read(file, BmwStateFiles.Largest) is { } content
                && JsonSerializer.Deserialize(content, BmwStateJson.Default.CarDescriptions) is { Cars: not null } stored)
            {
                Restore(stored);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.LogWarning("{File} cannot be read ({Reason}); the exporter reads the descriptions of the cars again", file, e.Message);
        }
    }

    private void Save(CarDescriptions next)
    {
        descriptions = next;
        if (file is null)
        {
            return;
        }
        try
        {
            BmwStateFiles.Write(file, JsonSerializer.SerializeToUtf8Bytes(next, BmwStateJson.Default.CarDescriptions));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("{File} cannot be written ({Reason}); after a restart, the exporter reads the descriptions of the cars again",
                file, e.Message);
        }
    }
}
