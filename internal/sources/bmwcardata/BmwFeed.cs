namespace Exporter.BmwCarData;

/// <summary>Turns the messages of the stream into an account's readings, and stores the last values for the next start.</summary>
/// <param name="file">Null if a shared store has the last values.</param>
/// <param name="rest">Reads what the stream does not send; null if it is disabled.</param>
internal sealed class BmwFeed(
    BmwCarDataOptions options, BmwStream stream, BmwValuesFile? file, TimeProvider time, BmwRest? rest = null) : IStoredReadingSource
{
    /// <summary>Collects the many messages of a car that wakes up into one write.</summary>
    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private readonly Latest<Snapshot> latest = new(new Snapshot(BmwReading.Empty, new BmwStreamState(), new ReadingStatus()));
    private BmwReading saved = BmwReading.Empty;
    private int loaded;

    public ReadingStatus Status => latest.Value.Status;

    public BmwReading Reading => latest.Value.Reading;

    public Task Changed => latest.Changed;

    public ReadingMetrics Collect(DateTimeOffset now)
    {
        var current = latest.Value;
        return new(Families(current), null) { Status = current.Status };
    }

    public Presentation Present(DateTimeOffset now)
    {
        var current = latest.Value;
        return BmwPresentation.Of(current.Reading, current.Stream, options);
    }

    public SavedReading Save()
    {
        var (reading, state, status) = latest.Value;
        return new(SavedReadingJson.Write(
            BmwCarDataSource.SourceName, status, writer => BmwSavedReading.Write(writer, reading, state, rest?.Descriptions)));
    }

    public string? Restore(SavedReading saved, DateTimeOffset now)
    {
        var (parts, problem) = SavedReadingJson.Read(saved, BmwCarDataSource.SourceName);
        if (parts is null)
        {
            return problem;
        }
        var (reading, state, descriptions) = (BmwReading.Empty, new BmwStreamState(), (CarDescriptions?)null);
        try
        {
            if (parts.Reading is { } json)
            {
                (reading, state, descriptions) = BmwSavedReading.Read(json, parts.Status, options, now);
            }
        }
        catch (Exception e) when (SavedReadingJson.IsDamage(e))
        {
            problem = "The saved reading is damaged, so the values of the cars start again; its status is kept.";
        }
        lock (gate)
        {
            latest.Set(new Snapshot(reading, state, parts.Status));
        }
        if (descriptions is not null)
        {
            rest?.Restore(descriptions);
        }
        return problem;
    }

    /// <param name="change">A pure function from the current reading to the next.</param>
    public void Update(Func<BmwReading, BmwReading> change) => Set(snapshot => snapshot with { Reading = change(snapshot.Reading) });

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Load();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] parts =
        [
            .. file is null ? [] : new[] { SaveChangesAsync(stopping.Token) },
            stream.RunAsync(
                latest.Value.Stream,
                message => Update(reading => reading.With(BmwMessageParser.Parse(message.Payload, message.Topic), options, time.GetUtcNow())),
                state => Set(snapshot => snapshot with { Stream = state }),
                stopping.Token),
            .. rest is null ? [] : new[] { rest.RunAsync(AddCars, AddInitialValues, stopping.Token) },
        ];
        try
        {
            // A part completes early only if it fails. Then all stop, and the caller gets the exception.
            await Task.WhenAny(parts);
            await stopping.CancelAsync();
            await Task.WhenAll(parts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            SaveToFile();
        }
    }

    public void Load()
    {
        if (Interlocked.Exchange(ref loaded, 1) == 0)
        {
            var stored = file?.Load() ?? [];
            Update(reading => stored.Aggregate(reading, (next, values) => next.WithValues(values, options, time.GetUtcNow())));
            saved = Reading;
        }
    }

    private void AddCars(IReadOnlyList<CarInfo> cars) =>
        Update(reading => cars.Aggregate(reading, (next, car) => next.WithInfo(car, options)));

    /// <summary>Adds values from the API. Newer values of the stream stay.</summary>
    private void AddInitialValues(BmwMessage values)
    {
        // The API returns a key without a value if the car never sent it. With the time of now it would block older values of the car.
        values = values with { Entries = [.. values.Entries.Where(entry => entry.At is not null)] };
        Update(reading => reading.WithValues(values, options, time.GetUtcNow()));
    }

    private void Set(Func<Snapshot, Snapshot> change)
    {
        lock (gate)
        {
            var before = latest.Value;
            var next = change(before);
            if (!ReferenceEquals(next.Reading, before.Reading))
            {
                // Only a new key adds series.
                var tooMany = Keys(next.Reading) > Keys(before.Reading) ? options.Series.Check(Families(next)) : null;
                next = tooMany is null ? next with { Rejected = null } : before with { Rejected = tooMany, Rejections = before.Rejections + 1 };
            }
            latest.Set(next with { Status = StatusOf(next) });
        }
    }

    private IReadOnlyList<MetricFamily> Families(Snapshot snapshot) =>
        [.. BmwMetrics.From(snapshot.Reading, options), .. BmwStreamMetrics.From(snapshot.Stream, snapshot.Reading, options)];

    private static int Keys(BmwReading reading) => reading.Cars.Values.Sum(car => car.Values.Count);

    /// <summary>The status stays up while a new connection replaces the old one because of a new token.</summary>
    private static ReadingStatus StatusOf(Snapshot snapshot)
    {
        var (state, rejected) = (snapshot.Stream, snapshot.Rejected);
        return new()
        {
            Up = rejected is null && (state.Connected || (state.Failure is null && state.Connects.ContainsKey("accepted"))),
            LastTry = state.LastTry,
            NextTry = state.NextTry,
            ReadAt = snapshot.Reading.LastMessage,
            Failure = state.Failure ?? rejected,
            Tries = state.Connects.Values.Sum(),
            Failures = snapshot.Rejections == 0 ? state.Failures : state.Failures.SetItem(
                "rejected", state.Failures.GetValueOrDefault("rejected") + snapshot.Rejections),
        };
    }

    private async Task SaveChangesAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var changed = Changed;
                if (ReferenceEquals(Reading, saved))
                {
                    await changed.WaitAsync(cancellationToken);
                    continue;
                }
                await Task.Delay(SaveDelay, time, cancellationToken);
                SaveToFile();
            }
        }
        finally
        {
            // Saves before the other parts have stopped, because they can take longer than the process has.
            SaveToFile();
        }
    }

    private void SaveToFile()
    {
        var reading = Reading;
        if (!ReferenceEquals(reading, saved))
        {
            file?.Save(reading);
            saved = reading;
        }
    }

    private sealed record Snapshot(BmwReading Reading, BmwStreamState Stream, ReadingStatus Status)
    {
        /// <summary>Why the last message was rejected; null if it was not.</summary>
        public ApiFailure? Rejected { get; init; }

        public int Rejections { get; init; }
    }
}
