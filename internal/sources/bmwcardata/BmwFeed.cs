using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>The stream's messages as an account's reading: a message makes the next one, and the last values outlive the process.</summary>
/// <param name="rest">What the stream does not tell; null where it is not asked.</param>
internal sealed class BmwFeed(BmwStream stream, BmwLimits limits, BmwMetricsOptions metrics, BmwValuesFile file, TimeProvider time, BmwRest? rest = null) : IReadingSource
{
    /// <summary>From a new value to the file: one write for the many messages of a car that wakes up.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private readonly Latest<Moment> latest = new(new Moment(BmwReading.Empty, new BmwStreamState(), new ReadingStatus()));
    private BmwReading saved = BmwReading.Empty;
    private int loaded;

    public ReadingStatus Status => latest.Value.Status;

    public BmwReading Reading => latest.Value.Reading;

    public Task Changed => latest.Changed;

    public ReadingMetrics Collect(DateTimeOffset now)
    {
        var (reading, state, status) = latest.Value;
        return new ReadingMetrics([.. BmwMetrics.From(reading, metrics), .. BmwStreamMetrics.From(state, reading, metrics)], null) { Status = status };
    }

    /// <summary>Changes the reading by what did not come by the stream.</summary>
    /// <param name="change">Pure; from the reading at that moment to the next.</param>
    public void Update(Func<BmwReading, BmwReading> change) => Set(moment => moment with { Reading = change(moment.Reading) });

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Load();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> parts = [KeepAsync(ending.Token), stream.RunAsync(Take, Tell, ending.Token)];
        if (rest is not null)
        {
            parts.Add(rest.RunAsync(Describe, Fill, ending.Token));
        }
        try
        {
            // None ends unless it is told to, or is wrong: then all end, and whoever runs us hears of it.
            await Task.WhenAny(parts);
            await ending.CancelAsync();
            await Task.WhenAll(parts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            Save();
        }
    }

    /// <summary>What was kept at the last end; once.</summary>
    public void Load()
    {
        if (Interlocked.Exchange(ref loaded, 1) == 0)
        {
            var kept = file.Load();
            Update(reading => kept.Aggregate(reading, (next, values) => next.WithValues(values, limits, time.GetUtcNow())));
            saved = Reading;
        }
    }

    private void Take(MqttMessage message)
    {
        var now = time.GetUtcNow();
        var delivery = BmwMessage.Read(message.Payload, message.Topic);
        Update(reading => reading.With(delivery, limits, now));
    }

    private void Describe(IReadOnlyList<CarInfo> cars) => Update(reading =>
        cars.Aggregate(reading, (next, car) => next.WithDetails(car.Vin, new BmwDetails(car.Brand, car.Model, car.Series, car.DriveTrain), limits)));

    /// <summary>Last values after a start; what the stream has told since is newer, and stays. They are no message of the car's.</summary>
    private void Fill(ReadOnlyMemory<byte> payload)
    {
        if (BmwMessage.Read(payload, topic: "") is BmwDelivery.Message values)
        {
            // A key that the car never told comes with nulls; as of now, it would shut out what the car tells next of an earlier moment.
            values = values with { Entries = [.. values.Entries.Where(entry => entry.At is not null)] };
            Update(reading => reading.WithValues(values, limits, time.GetUtcNow()));
        }
    }

    private void Tell(BmwStreamState state) => Set(moment => moment with { Stream = state });

    private void Set(Func<Moment, Moment> change)
    {
        lock (gate)
        {
            var next = change(latest.Value);
            latest.Set(next with { Status = StatusOf(next.Stream, next.Reading) });
        }
    }

    /// <summary>Up also while one connection takes the place of another, because its token did.</summary>
    private static ReadingStatus StatusOf(BmwStreamState state, BmwReading reading) => new()
    {
        Up = state.Connected || (state.Failure is null && state.Connects.ContainsKey("accepted")),
        LastTry = state.LastTry,
        NextTry = state.NextTry,
        ReadAt = reading.LastMessage,
        Failure = state.Failure,
        Tries = state.Connects.Values.Sum(),
        Failures = state.Failures,
    };

    private async Task KeepAsync(CancellationToken cancellationToken)
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
                await Task.Delay(Gathering, time, cancellationToken);
                Save();
            }
        }
        finally
        {
            // Not only at the end of all: the others may take longer to end than we are given.
            Save();
        }
    }

    private void Save()
    {
        var reading = Reading;
        if (!ReferenceEquals(reading, saved))
        {
            file.Save(reading);
            saved = reading;
        }
    }

    private sealed record Moment(BmwReading Reading, BmwStreamState Stream, ReadingStatus Status);
}
