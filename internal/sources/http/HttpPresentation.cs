namespace Exporter.Http;

/// <summary>Converts a reading to what people read: a card for each thing, or a table for many things.</summary>
internal static class HttpPresentation
{
    private const int MostCards = 12;

    public static Presentation Of(HttpReading reading, DateTimeOffset now)
    {
        var things = Things(reading, now);
        // What all things have in common does not tell them apart.
        var shared = things.Count < 2 ? []
            : things[0].Labels.Names.Where(name => things.All(thing => thing.Labels[name] == things[0].Labels[name])).ToHashSet();
        var groups = things.GroupBy(thing => string.Join('\0', thing.Labels.Names)).ToList();
        var cards = groups.Where(group => group.Count() <= MostCards).SelectMany(group => group).ToList();
        var titles = CardTitles.Choose([.. cards.Select(IReadOnlyList<string> (card) => [Title(card.Labels, shared, reading.Module)])]);
        return new Presentation([.. cards.Zip(titles, (card, title) => Card(title, card, shared)).Where(card => card.Lines.Count > 0)])
        {
            Tables = [.. groups.Where(group => group.Count() > MostCards).Select(group => Table([.. group]))],
        };
    }

    /// <summary>What was measured, with its values in the order of the module.</summary>
    private static List<Thing> Things(HttpReading reading, DateTimeOffset now)
    {
        var things = new OrderedDictionary<LabelSet, Thing>();
        foreach (var (metric, samples) in reading.Series)
        {
            foreach (var sample in samples)
            {
                if (metric.Display.Label is not null && HttpMetrics.IsFresh(sample, now))
                {
                    things.TryAdd(sample.Thing, new Thing(sample.Thing, []));
                    things[sample.Thing].Values.Add(new Measured(metric, sample));
                }
            }
        }
        return [.. things.Values];
    }

    private static string Title(LabelSet labels, HashSet<string> shared, string module)
    {
        var own = labels.Names.Where(name => !shared.Contains(name)).Select(name => labels[name]).ToList();
        return own.Count == 0 ? MetricDisplays.Sentence(module) : string.Join(", ", own);
    }

    private static ReadingCard Card(string title, Thing thing, HashSet<string> shared)
    {
        var common = string.Join(", ", thing.Labels.Names.Where(shared.Contains).Select(name => thing.Labels[name]));
        IReadOnlyList<ReadingLine> lines = [.. thing.Lines(isDetail: false)];
        IReadOnlyList<ReadingLine> details = [.. thing.Lines(isDetail: true).Concat(thing.Infos).DistinctBy(line => line.Label)];
        // A thing may have nothing but details, for example while it is offline.
        return new ReadingCard(title, lines.Count > 0 ? lines : details)
        {
            Subtitle = common.Length > 0 && common != title ? common : null,
            Details = lines.Count > 0 ? details : [],
        };
    }

    /// <summary>A row for each thing, with its labels and its values.</summary>
    private static ReadingTable Table(IReadOnlyList<Thing> things)
    {
        var names = things[0].Labels.Names;
        var rows = things.Select(thing => thing.Lines(isDetail: false).ToList()).ToList();
        var columns = rows.SelectMany(row => row.Select(line => line.Label)).Distinct().ToList();
        return new ReadingTable(
            MetricDisplays.Sentence(string.Join(", ", names)),
            [.. names.Select(MetricDisplays.Sentence), .. columns],
            [.. things.Zip(rows, IReadOnlyList<ReadingValue?> (thing, row) =>
            [
                .. thing.Labels.Values.Select(text => new ReadingValue.Text(text)),
                .. columns.Select(column => row.Find(line => line.Label == column)?.Value),
            ])]);
    }

    /// <param name="Labels">They name the thing.</param>
    private sealed record Thing(LabelSet Labels, List<Measured> Values)
    {
        /// <summary>The labels of infos that describe the thing.</summary>
        public IEnumerable<ReadingLine> Infos => Values.Where(value => value.Metric.Kind == MetricKind.Info).SelectMany(value => value.OwnLabels)
            .Select(name => new ReadingLine(
                MetricDisplays.Sentence(name),
                    new ReadingValue.Text(Values.Select(value => value.Sample.Labels[name]).First(text => text is not null)!)));

        /// <summary>Each label once.</summary>
        public IEnumerable<ReadingLine> Lines(bool isDetail) => Values
            .Where(value => value.Metric.Kind != MetricKind.Info && value.Metric.Display.IsDetail == isDetail)
            .Select(value => value.Line).DistinctBy(line => line.Label);
    }

    private sealed record Measured(ModuleMetric Metric, HttpSample Sample)
    {
        /// <summary>The names of labels that only this metric has.</summary>
        public IEnumerable<string> OwnLabels => Sample.Labels.Names.Where(name => Sample.Thing[name] is null);

        public ReadingLine Line
        {
            get
            {
                var own = string.Join(", ", OwnLabels.Select(name => Sample.Labels[name]));
                var label = own.Length == 0 ? Metric.Display.Label! : $"{Metric.Display.Label} ({own})";
                return new ReadingLine(label, Value, Metric.Display.IsPlotted && Sample.Shown is null);
            }
        }

        private ReadingValue Value => Metric.Display switch
        {
            _ when Sample.Shown is { } shown => shown,
            { IsTime: true } when Sample.Value is > 0 and < 2.5e11 =>
                new ReadingValue.Time(DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(Sample.Value)),
            { Decimals: MetricDisplay.AsNeeded } display when Sample.Value * display.Factor is var value =>
                new ReadingValue.Number(value, display.Unit, value == Math.Floor(value) ? 0 : 2),
            var display => new ReadingValue.Number(Sample.Value * display.Factor, display.Unit, display.Decimals),
        };
    }
}
