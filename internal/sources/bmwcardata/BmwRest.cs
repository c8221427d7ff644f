using System.Globalization;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Refit;

namespace Exporter.BmwCarData;

/// <summary>What <see cref="BmwRest"/> goes by.</summary>
/// <param name="Vins">The cars to follow; empty means every car of the account.</param>
/// <param name="CarsFile">Where what BMW said of the cars is kept, so that a restart does not ask again.</param>
internal sealed record BmwRestOptions(IReadOnlyList<string> Vins, string CarsFile);

/// <summary>
/// The little that is asked of BMW beside the stream: once a day what the cars are, and once after a start the last values, which the stream
/// brings only when a car next talks. Everything is within the <see cref="DailyBudget"/>.
/// </summary>
internal sealed class BmwRest(IBmwApi api, BmwAccount account, BmwRestOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>The container is known by these two; another list of keys is another name.</summary>
    public const string ContainerName = "exporter-1";

    /// <inheritdoc cref="ContainerName"/>
    public const string ContainerPurpose = "values after a start";

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>Clocks step and machines suspend, so nothing sleeps longer.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    private static readonly Backoff Retry = new(TimeSpan.FromMinutes(15), TimeSpan.FromHours(6));

    private volatile CarsFile described = new(DateTimeOffset.MinValue, []);
    private volatile ApiFailure? failure;
    private int failuresInARow;

    /// <summary>What the cars are, as BMW said last; it outlives the process.</summary>
    public IReadOnlyList<CarInfo> Cars => described.Cars!;

    /// <summary>Why the last try came to nothing; null when it was good.</summary>
    public ApiFailure? Failure => failure;

    /// <summary>As an account has it: its budget and its files in a directory of its own.</summary>
    public static (BmwRest Reader, DailyBudget Budget) Open(BmwCarDataOptions options, TokenManager manager, AccountContext context, ILogger logger)
    {
        var directory = Path.Combine(context.StateDirectory, "bmw-cardata", Uri.EscapeDataString(context.Name));
        var budget = new DailyBudget(options.RestDailyCalls, Path.Combine(directory, "calls.json"), context.Time, logger);
        var account = new BmwAccount(manager, options.Api!, budget);
        return (new BmwRest(context.Services.GetRequiredService<IBmwApi>(), account, new BmwRestOptions(options.Vins, Path.Combine(directory, "cars.json")), context.Time, logger), budget);
    }

    /// <param name="told">Gets what the cars are, whenever that is news.</param>
    /// <param name="found">Gets the last values of each car, as a message in the stream's shape: <c>{"vin", "data": {KEY: {"value", "unit", "timestamp"}}}</c>.</param>
    public async Task RunAsync(Action<IReadOnlyList<CarInfo>> told, Action<ReadOnlyMemory<byte>> found, CancellationToken cancellationToken)
    {
        Load();
        told(Cars);
        // The cars whose values are still wanted; null until it is known which there are.
        Queue<string>? unfilled = null;
        while (true)
        {
            var wait = TimeSpan.Zero;
            if (time.GetUtcNow() - described.At is var age && (age >= Day || age < TimeSpan.Zero))
            {
                wait = After(await TryAsync(DescribeAsync(cancellationToken), cancellationToken));
                told(Cars);
            }
            if (wait == TimeSpan.Zero && (unfilled ??= new(Cars.Select(car => car.Vin))).Count > 0)
            {
                wait = After(await TryAsync(FillAsync(unfilled, found, cancellationToken), cancellationToken));
            }
            await PauseAsync(wait > TimeSpan.Zero ? wait : described.At + Day - time.GetUtcNow(), cancellationToken);
        }
    }

    /// <summary>What nobody foresaw is a failure like another, or nothing would be asked any more.</summary>
    private async Task<ApiFailure?> TryAsync(Task<ApiFailure?> step, CancellationToken cancellationToken)
    {
        try
        {
            return await step;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogError(e, "asking BMW's customer interface failed in a way that was not foreseen");
            return new ApiFailure.Unavailable($"asking failed in a way that was not foreseen ({e.GetType().Name})");
        }
    }

    /// <summary>Null when it is done.</summary>
    private async Task<ApiFailure?> DescribeAsync(CancellationToken cancellationToken)
    {
        switch (await AskAsync(() => api.GetMappings(account, cancellationToken), cars => cars))
        {
            case PollResult<IReadOnlyList<MappedCar>>.Failed(var why):
                return why;
            case PollResult<IReadOnlyList<MappedCar>>.Success(var mapped):
                var cars = new List<CarInfo>();
                foreach (var car in mapped.Where(car => options.Vins.Count == 0 || options.Vins.Contains(car.Vin)))
                {
                    if (!car.Primary)
                    {
                        logger.LogWarning("BMW tells nothing of a car of which the account is not the primary user; log in as that user, or leave the car out with vin");
                        continue;
                    }
                    switch (await AskAsync(() => api.GetBasicData(account, car.Vin, cancellationToken), data => new CarInfo(car.Vin, data.Brand, data.ModelName, data.Series, data.DriveTrain)))
                    {
                        case PollResult<CarInfo>.Success(var info):
                            cars.Add(info);
                            break;
                        case PollResult<CarInfo>.Failed(ApiFailure.Rejected rejected):
                            logger.LogWarning("what a car is cannot be read: {Reason}", rejected.Reason);
                            cars.Add(new CarInfo(car.Vin, null, null, null, null));
                            break;
                        case PollResult<CarInfo>.Failed(var why):
                            return why;
                    }
                }
                Save(new CarsFile(time.GetUtcNow(), cars));
                break;
        }
        return null;
    }

    /// <summary>Null when it is done; what one car is refused does not keep the others waiting.</summary>
    private async Task<ApiFailure?> FillAsync(Queue<string> unfilled, Action<ReadOnlyMemory<byte>> found, CancellationToken cancellationToken)
    {
        var (id, why) = await ContainerAsync(cancellationToken);
        if (id is null)
        {
            return why;
        }
        while (unfilled.TryPeek(out var vin))
        {
            switch (await AskAsync(() => api.GetTelematicData(account, vin, id, cancellationToken), data => data.ToMessage(vin)))
            {
                case PollResult<byte[]>.Success(var message):
                    found(message);
                    break;
                case PollResult<byte[]>.Failed(ApiFailure.Rejected rejected):
                    logger.LogWarning("a car's last values cannot be read: {Reason}", rejected.Reason);
                    break;
                case PollResult<byte[]>.Failed(var failed):
                    return failed;
            }
            unfilled.Dequeue();
        }
        return null;
    }

    /// <summary>Found before it is made: BMW keeps ten, does not merge what is alike, and counts a deleted one for 29 days.</summary>
    private async Task<(string? Id, ApiFailure? Failure)> ContainerAsync(CancellationToken cancellationToken)
    {
        switch (await AskAsync(() => api.GetContainers(account, cancellationToken), containers => containers))
        {
            case PollResult<IReadOnlyList<Container>>.Failed(var why):
                return (null, why);
            case PollResult<IReadOnlyList<Container>>.Success(var there)
                when there.FirstOrDefault(one => one is { Name: ContainerName, Purpose: ContainerPurpose, State: null or "ACTIVE" }) is { } ours:
                return (ours.Id, null);
        }
        var wanted = new NewContainer(ContainerName, ContainerPurpose, BmwContainerKeys.All);
        return await AskAsync(() => api.CreateContainer(account, wanted, cancellationToken), container => container) switch
        {
            PollResult<Container>.Success(var made) => (made.Id, null),
            PollResult<Container>.Failed(var why) => (null, why),
            _ => throw new InvalidOperationException("an answer is good or not"),
        };
    }

    /// <summary>One call, unless the budget is used up: then not even a token is renewed for it.</summary>
    private async Task<PollResult<T>> AskAsync<TBody, T>(Func<Task<IApiResponse<TBody>>> ask, Func<TBody, T?> value) where T : class => account.Budget.Exhausted is { } wait
        ? new ApiFailure.RateLimited(string.Create(CultureInfo.InvariantCulture, $"BMW was not asked: the budget of {account.Budget.Limit} calls within 24 hours is used up."))
        {
            RetryAfter = wait,
        }
        : BmwAnswer.Read(await ask(), time, value);

    /// <summary>How long to wait after a try: nothing when it was good.</summary>
    private TimeSpan After(ApiFailure? why)
    {
        var before = failure;
        failure = why;
        if (why is null)
        {
            failuresInARow = 0;
            return TimeSpan.Zero;
        }
        failuresInARow++;
        var wait = why switch
        {
            // It costs no call to look whether somebody has logged in.
            ApiFailure.NoToken => Step,
            ApiFailure.RateLimited => why.RetryAfter ?? Retry.Longest,
            ApiFailure.Unavailable => Retry.After(failuresInARow, Random.Shared, why.RetryAfter),
            ApiFailure.TokenRefused or ApiFailure.MissingScope or ApiFailure.Rejected => Retry.Longest,
            _ => throw new InvalidOperationException("a call fails in no other way"),
        };
        wait = wait > Step ? wait : Step;
        if (before?.Reason != why.Reason)
        {
            logger.LogWarning("BMW's customer interface gave nothing, trying again in {Wait:c}: {Reason}", TimeSpan.FromMinutes(Math.Ceiling(wait.TotalMinutes)), why.Reason);
        }
        return wait;
    }

    /// <summary>A login ends the pause that the want of one began. Nothing else does: the token is renewed every hour, and a call is dear.</summary>
    private async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        for (var pause = Deadline.Of(time.GetUtcNow() + wait, time); pause.Left(time) is var left && left > TimeSpan.Zero;)
        {
            var changed = account.TokenManager!.Changed;
            if (failure is ApiFailure.NoToken && account.TokenManager!.Snapshot.State is TokenState.Active { Held: var token } && token.IsUsable(time.GetUtcNow()))
            {
                return;
            }
            using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var delay = Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling((left < Step ? left : Step).TotalMilliseconds)), time, done.Token);
            await (failure is ApiFailure.NoToken ? Task.WhenAny(delay, changed) : Task.WhenAny(delay));
            await done.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void Load()
    {
        try
        {
            if (File.Exists(options.CarsFile) && JsonSerializer.Deserialize(File.ReadAllBytes(options.CarsFile), BmwStateJson.Default.CarsFile) is { Cars: { } cars } kept)
            {
                // Another choice of cars than it was made for: it is asked anew.
                var known = cars.Where(car => car?.Vin is not null).ToList();
                var wanted = known.Where(car => options.Vins.Count == 0 || options.Vins.Contains(car.Vin)).ToList();
                described = new CarsFile(wanted.Count == known.Count && options.Vins.All(vin => known.Any(car => car.Vin == vin)) ? kept.At : DateTimeOffset.MinValue, wanted);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.LogWarning("{File} cannot be read ({Reason}); what the cars are is asked again", options.CarsFile, e.Message);
        }
    }

    private void Save(CarsFile now)
    {
        described = now;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(options.CarsFile)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            AtomicFile.Replace(options.CarsFile, JsonSerializer.SerializeToUtf8Bytes(now, BmwStateJson.Default.CarsFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("{File} cannot be written ({Reason}); after a restart BMW is asked again what the cars are", options.CarsFile, e.Message);
        }
    }
}

/// <summary>The keys of which the last values are asked after a start; never where a car is.</summary>
internal static class BmwContainerKeys
{
    public static IReadOnlyList<string> All { get; } =
    [
        "vehicle.drivetrain.batteryManagement.header",
        "vehicle.drivetrain.batteryManagement.maxEnergy",
        "vehicle.powertrain.electric.battery.stateOfCharge.displayed",
        "vehicle.powertrain.electric.battery.stateOfCharge.target",
        "vehicle.drivetrain.electricEngine.charging.level",
        "vehicle.drivetrain.electricEngine.charging.status",
        "vehicle.drivetrain.electricEngine.charging.hvStatus",
        "vehicle.drivetrain.electricEngine.charging.timeRemaining",
        "vehicle.drivetrain.electricEngine.kombiRemainingElectricRange",
        "vehicle.drivetrain.electricEngine.remainingElectricRange",
        "vehicle.drivetrain.lastRemainingRange",
        "vehicle.drivetrain.totalRemainingRange",
        "vehicle.drivetrain.fuelSystem.level",
        "vehicle.drivetrain.fuelSystem.remainingFuel",
        "vehicle.vehicle.travelledDistance",
        "vehicle.body.chargingPort.status",
        "vehicle.body.hood.isOpen",
        "vehicle.body.trunk.isOpen",
        "vehicle.cabin.door.status",
        "vehicle.cabin.door.row1.driver.isOpen",
        "vehicle.cabin.door.row1.passenger.isOpen",
        "vehicle.cabin.door.row2.driver.isOpen",
        "vehicle.cabin.door.row2.passenger.isOpen",
    ];
}
