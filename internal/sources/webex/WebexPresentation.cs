namespace Exporter.Webex;

/// <summary>Converts a reading to the table of data sources, after a card with the counts.</summary>
internal static class WebexPresentation
{
    public static Presentation Of(WebexReading reading, DateTimeOffset now)
    {
        var ids = reading.DataSources.Select(source => source.Id).ToHashSet();
        var extensions = reading.Extensions.Succeeded.Where(success => ids.Contains(success.Key)).Sum(success => success.Value);
        var failures = reading.Extensions.Failed.Where(failure => ids.Contains(failure.Key.Id)).Sum(failure => failure.Value);
        var disabled = reading.DataSources.Count(source => source.IsDisabled);
        ReadingLine?[] lines =
        [
            ReadingLine.Number("Data sources", reading.DataSources.Count),
            ReadingLine.Number("Disabled", disabled > 0 ? disabled : null),
            ReadingLine.Number("Schemas", reading.Schemas?.Count),
            ReadingLine.Number("Automatic extensions", extensions + failures > 0 ? extensions : null),
            ReadingLine.Number("Failed extensions", failures > 0 ? failures : null),
        ];
        return new(new ReadingCard("Service app", [.. lines.OfType<ReadingLine>()]))
        {
            Tables = reading.DataSources.Count > 0 ? [DataSourceTable.Present(reading.DataSources, now)] : [],
        };
    }
}
