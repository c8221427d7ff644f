using System.Globalization;

namespace Exporter.Ergani;

/// <summary>Converts a reading to one card. Like the metrics, it contains counts only.</summary>
internal static class ErganiPresentation
{
    public static Presentation Of(ErganiReading reading, ErganiEnvironment environment)
    {
        ReadingLine?[] lines =
        [
            ReadingLine.Number("Employees", reading.Workforce?.Values.Sum(), isPlotted: true),
            ReadingLine.Number("Branches", reading.Branches),
            ReadingLine.Flag("Digital work card sector", reading.InCardSector),
            ReadingLine.Number("Kinds of submission", reading.Submissions),
            ReadingLine.Number("Services", reading.Services),
        ];
        return lines.All(line => line is null) ? Presentation.Empty : new(new ReadingCard("Ergani", [.. lines.OfType<ReadingLine>()])
        {
            Subtitle = environment.Name == ErganiEnvironment.Test.Name ? "Test environment" : "Production environment",
            Details = [.. (reading.Workforce ?? new Dictionary<int, int>()).OrderBy(branch => branch.Key < 0).ThenBy(branch => branch.Key)
                .Select(branch => new ReadingLine($"Employees, {Branch(branch.Key)}", new ReadingValue.Number(branch.Value)))],
        });
    }

    private static string Branch(int number) => number switch
    {
        < 0 => "unknown branch",
        0 => "seat",
        _ => string.Create(CultureInfo.InvariantCulture, $"branch {number}"),
    };
}
