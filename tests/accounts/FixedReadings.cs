using Exporter.Accounts;

namespace Exporter.Tests.Accounts;

/// <summary>A reading source with one reading, which never changes.</summary>
internal sealed class FixedReadings(ReadingStatus status, Presentation presentation) : IReadingSource
{
    public ReadingStatus Status => status;

    public Task Changed { get; } = new TaskCompletionSource().Task;

    /// <summary>A weather station that was read at a time.</summary>
    public static FixedReadings WeatherStation(DateTimeOffset at) => new(
        new ReadingStatus { Up = true, ReadAt = at, NextTry = at.AddMinutes(8), LastTry = at },
        new Presentation(
            new ReadingCard(
                "Living room",
                new ReadingLine("Temperature", new ReadingValue.Number(21.3449, "°C", 1), IsPlotted: true),
                new ReadingLine("CO₂", new ReadingValue.Number(612, "ppm"), IsPlotted: true))
            {
                Subtitle = "Indoor module",
                Details = [new("Reachable", new ReadingValue.Flag(true)), new("Measured", new ReadingValue.Time(at))],
            })
        {
            Tables = [new("Batteries", ["Module", "Charge"], [[new ReadingValue.Text("Garden"), new ReadingValue.Number(54, "%")], [null, null]])],
        });

    public ReadingMetrics Collect(DateTimeOffset now) => ReadingMetrics.None with { Status = status };

    public Presentation Present(DateTimeOffset now) => presentation;

    public Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
