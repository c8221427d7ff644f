namespace Exporter.Web;

/// <summary>Renders an account's readings: a tile for each set of labels, a plot for each quantity. Pure.</summary>
internal static class Readings
{
    /// <summary>On one page; the metrics page lists all series.</summary>
    private const int MaxTiles = 60;

    /// <param name="account">Its page has a link to the next tiles.</param>
    public static Html Tiles(
        IReadOnlyList<MetricFamily> families, IReadOnlyDictionary<string, string> units, Clock clock, string account = "", int first = 0)
    {
        var prefix = Quantity.PrefixOf(families.Select(f => f.Name));
        // Counters are about the exporter's requests, not about measurements.
        var rows =
            from family in families
            where family.Kind is not (MetricKind.Info or MetricKind.StateSet or MetricKind.Counter)
            let quantity = Quantity.FromMetric(family.Name, prefix, units)
            from sample in family.Samples
            where !IsRaw(sample.Labels)
            group new Row(quantity, family, sample.Value) by sample.Labels;
        var tiles = rows.OrderBy(g => g.Key.ToString(), StringComparer.Ordinal).ToList();
        var names = new SeriesNames(tiles.Select(t => t.Key));
        var infos = families.Where(f => f.Kind is MetricKind.Info).SelectMany(f => f.Samples.Select(s => s.Labels)).ToList();
        var left = tiles.Count - first - MaxTiles;
        Html? more = left <= 0 ? null : (Html)$"""
            <p>And {left} more; the metrics page lists them all.
            <a href="?account={Uri.EscapeDataString(account)}&amp;from={first + MaxTiles + 1}">Next readings</a></p>
            """;
        return $"""
            {names.Subtitle}
            <div class="tiles">{tiles.Skip(first).Take(MaxTiles)
                .Select(t => Tile(names.Of(t.Key), t, infos.SelectMany(i => Extra(i, t.Key)), clock))}</div>
            {more}
            """;
    }

    public static IEnumerable<Html> Plots(
        string account, IReadOnlyList<RecordedSeries> recorded, IReadOnlyDictionary<string, string> units, Clock clock)
    {
        var prefix = Quantity.PrefixOf(recorded.Select(r => r.Metric));
        recorded = [.. recorded.Where(r => !IsRaw(r.Labels))];
        var names = new SeriesNames(recorded.Select(r => r.Labels).Distinct());
        var metrics = recorded.Select(r => r.Metric).ToHashSet();
        return recorded.Where(r => Quantity.BaseOfExtreme(r.Metric) is not { } baseMetric || !metrics.Contains(baseMetric)).GroupBy(r => r.Metric)
            .Select(metric => (Quantity: Quantity.FromMetric(metric.Key, prefix, units), Series: metric.ToList()))
            .Where(p => p.Quantity.Unit.Length > 0 || p.Series.Any(s => s.Points.Any(point => point.Value is not (-1 or 0 or 1))))
            .OrderBy(p => p.Quantity.IsDeviceState)
            .Select((p, i) => Plot.Render($"plot-{account}-{i}", p.Quantity, [.. p.Series.Select(s => (names.Of(s.Labels), s.Points))], clock));
    }

    /// <summary>Values with a unit are at the top, and the others in a section that the user can open.</summary>
    private static Html Tile(string name, IEnumerable<Row> values, IEnumerable<(string Name, string Value)> extra, Clock clock)
    {
        var rows = values.OrderBy(r => r.Quantity.IsDeviceState).ToList();
        var top = rows.Where(r => !r.IsTimestamp && r.Quantity.Unit.Length > 0).ToList();
        if (top.Count == 0)
        {
            top = rows;
        }
        var more = rows.Except(top).Select(Line).Concat(extra.Select(e => (Html)$"<div><dt>{e.Name}</dt><dd>{e.Value}</dd></div>")).ToList();
        return $"""
            <section class="tile"><h4>{name}</h4>
            <dl class="values">{top.Select(Line)}</dl>
            {(more.Count == 0 ? null : (Html)$"<details><summary>More</summary><dl class=\"values\">{more}</dl></details>")}
            </section>
            """;

        Html Line(Row row) => $"<div><dt title=\"{row.Family.Help}\">{row.Quantity.Title}</dt><dd>{Value(row)}</dd></div>";

        Html Value(Row row) =>
            !row.IsTimestamp ? $"{row.Quantity.Text(row.Value)}"
            : row.Value is > 0 and < 253_402_300_800 ? clock.At(DateTimeOffset.FromUnixTimeSeconds((long)row.Value))
            : $"never";
    }

    /// <summary>Whether the series repeats a value under the provider's own key. Such series are for queries only.</summary>
    private static bool IsRaw(LabelSet labels) => labels["key"] is not null;

    /// <summary>The labels that an info metric adds to a tile; none if the info metric is about something else.</summary>
    private static IEnumerable<(string Name, string Value)> Extra(LabelSet info, LabelSet labels) =>
        labels.Labels.All(label => info[label.Name] == label.Value)
            ? info.Labels.Where(label => labels[label.Name] is null).Select(label => (label.Name.Replace('_', ' '), label.Value))
            : [];

    private sealed record Row(Quantity Quantity, MetricFamily Family, double Value)
    {
        public bool IsTimestamp => Quantity.IsTimestamp(Family);
    }

    /// <summary>Names each set of labels by the values in which it differs from the others. The subtitle shows the common values once.</summary>
    private sealed class SeriesNames
    {
        private readonly List<(string Name, string Value)> common = [];

        public SeriesNames(IEnumerable<LabelSet> labelSets)
        {
            var all = labelSets.ToList();
            if (all.Count > 1)
            {
                common = [.. all[0].Labels.Where(label => all.TrueForAll(labels => labels[label.Name] == label.Value))];
            }
        }

        public Html? Subtitle => common.Count == 0 ? null : (Html)$"<p class=\"shared\">{string.Join(" · ", common.Select(c => c.Value))}</p>";

        // A number alone does not show what it counts.
        public string Of(LabelSet labels) => string.Join(" · ", labels.Labels.Except(common)
            .Select(label => label.Value.All(char.IsAsciiDigit) ? $"{label.Name.Replace('_', ' ')} {label.Value}" : label.Value).Distinct());
    }
}
