namespace Exporter.Http;

/// <summary>Converts a reading to what people read: a card for each thing, or a table for many things.</summary>
internal static class HttpPresentation
{
    private const int MostCards = 12;

    public static Presentation Of(HttpReading reading, DateTimeOffset now)
    {
        var values = reading.Series.Where(series => series.Metric.Display.Label is not null)
            .SelectMany(series => series.Samples.Where(sample => HttpMetrics.IsFresh(sample, now)).Select(sample => (series.Metric, Sample: sample)))
            .GroupBy(value => value.Sample.Thing)
            .Select(things => (Thing: things.Key, Values: things.ToList()))
            .ToList();
        // What all things have in common does not tell them apart.
        var shared = values.Count < 2 ? []
            : values[0].Thing.Labels.Where(label => values.All(value => value.Thing[label.Name] == label.Value)).ToHashSet();
        var tables = values.GroupBy(value => string.Join('\0', value.Thing.Names)).Where(group => group.Count() > MostCards).ToList();
        var inTables = tables.SelectMany(table => table).ToHashSet();
        var cards = values.Where(value => !inTables.Contains(value)).ToList();
        var titles = CardTitles.Choose([.. cards.Select(card => Titles(card.Thing, shared, reading.Module))]);
        return new Presentation([.. cards.Zip(titles, (card, title) => Card(title, card.Thing, shared, card.Values))])
        {
            Tables = [.. tables.Select(table => Table(Sentence(string.Join(", ", table.First().Thing.Names)), [.. table]))],
        };
    }

    private static IReadOnlyList<string> Titles(LabelSet thing, HashSet<(string, string)> shared, string module)
    {
        var own = thing.Labels.Where(label => !shared.Contains(label)).Select(label => label.Value).ToList();
        return own.Count == 0 ? [Sentence(module)] : [string.Join(", ", own)];
    }

    private static ReadingCard Card(
        string title, LabelSet thing, HashSet<(string, string)> shared, IReadOnlyList<(ModuleMetric Metric, HttpSample Sample)> values)
    {
        var common = string.Join(", ", thing.Labels.Where(shared.Contains).Select(label => label.Value));
        var lines = values.Where(value => value.Metric.Kind != MetricKind.Info)
            .Select(value => (value.Metric, Line: Line(value.Metric, value.Sample)))
            .DistinctBy(value => value.Line.Label).ToList();
        var infos = values.Where(value => value.Metric.Kind == MetricKind.Info)
            .SelectMany(value => value.Sample.Labels.Labels.Where(label => value.Sample.Thing[label.Name] is null))
            .Select(label => new ReadingLine(Sentence(label.Name), new ReadingValue.Text(label.Value)));
        return new ReadingCard(title, [.. lines.Where(line => !line.Metric.Display.IsDetail).Select(line => line.Line)])
        {
            Subtitle = common.Length > 0 && common != title ? common : null,
            Details = [.. lines.Where(line => line.Metric.Display.IsDetail).Select(line => line.Line).Concat(infos).DistinctBy(line => line.Label)],
        };
    }

    private static ReadingLine Line(ModuleMetric metric, HttpSample sample)
    {
        var own = string.Join(", ", sample.Labels.Labels.Where(label => sample.Thing[label.Name] is null).Select(label => label.Value));
        return new ReadingLine(
            own.Length == 0 ? metric.Display.Label! : $"{metric.Display.Label} ({own})", Value(metric, sample), IsPlotted(metric, sample));
    }

    private static bool IsPlotted(ModuleMetric metric, HttpSample sample) => metric.Display.IsPlotted && sample.Shown is null;

    private static ReadingValue Value(ModuleMetric metric, HttpSample sample) => metric.Display switch
    {
        _ when sample.Shown is { } shown => shown,
        { IsTime: true } when sample.Value is > 0 and < 2.5e11 =>
            new ReadingValue.Time(DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(sample.Value)),
        { Decimals: MetricDisplay.AsNeeded } display when sample.Value * display.Factor is var value =>
            new ReadingValue.Number(value, display.Unit, value == Math.Floor(value) ? 0 : 2),
        var display => new ReadingValue.Number(sample.Value * display.Factor, display.Unit, display.Decimals),
    };

    /// <summary>A row for each thing, with its labels and its values.</summary>
    private static ReadingTable Table(string title, IReadOnlyList<(LabelSet Thing, List<(ModuleMetric Metric, HttpSample Sample)> Values)> things)
    {
        var columns = things.SelectMany(thing => thing.Values).Where(value => value.Metric.Kind != MetricKind.Info)
            .Select(value => Line(value.Metric, value.Sample).Label).Distinct().ToList();
        return new ReadingTable(
            title,
            [.. things[0].Thing.Names.Select(Sentence), .. columns],
            [.. things.Select(IReadOnlyList<ReadingValue?> (thing) =>
            {
                var lines = thing.Values.Where(value => value.Metric.Kind != MetricKind.Info).Select(value => Line(value.Metric, value.Sample))
                    .DistinctBy(line => line.Label).ToDictionary(line => line.Label, line => line.Value);
                return [.. thing.Thing.Values.Select(text => new ReadingValue.Text(text)),
                    .. columns.Select(column => lines.GetValueOrDefault(column))];
            })]);
    }

    private static string Sentence(string name) => MetricDisplays.Sentence(name);
}
