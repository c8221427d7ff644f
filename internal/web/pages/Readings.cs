using Exporter.Metrics;

namespace Exporter.Web;

/// <summary>An account's readings for a person: a tile for each thing that was measured, a plot for each quantity. Pure.</summary>
internal static class Readings
{
    /// <summary>More than anybody looks at; the metrics page has them all.</summary>
    private const int MostTiles = 60;

    public static Html Tiles(IReadOnlyList<MetricFamily> families, IReadOnlyDictionary<string, string> units, Clock clock)
    {
        var prefix = Quantity.PrefixOf(families.Select(f => f.Name));
        // Counters tell of our own doing, not of what was measured.
        var things = families.Where(f => f.Kind is not (MetricKind.Info or MetricKind.StateSet or MetricKind.Counter))
            .SelectMany(f => f.Samples.Where(s => !IsRaw(s.Labels)).Select(s => new Measured(f, s.Labels, s.Value)))
            .GroupBy(s => s.Labels).OrderBy(g => g.Key.ToString(), StringComparer.Ordinal).ToList();
        var naming = new Naming(things.Select(t => t.Key));
        var infos = families.Where(f => f.Kind is MetricKind.Info).SelectMany(f => f.Samples.Select(s => s.Labels)).ToList();
        return $"""
            {naming.Subtitle}
            <div class="tiles">{things.Take(MostTiles).Select(t => Tile(naming.Of(t.Key), t, infos.Where(i => Covers(i, t.Key)).SelectMany(i => Beyond(i, t.Key)), metric => Quantity.Of(metric, prefix, units), clock))}</div>
            {(things.Count > MostTiles ? (Html)$"<p>And {things.Count - MostTiles} more; the metrics page has them all.</p>" : Html.Nothing)}
            """;
    }

    public static Html Plots(string account, IReadOnlyList<Recorded> recorded, IReadOnlyDictionary<string, string> units, Clock clock)
    {
        var prefix = Quantity.PrefixOf(recorded.Select(r => r.Metric));
        recorded = [.. recorded.Where(r => !IsRaw(r.Labels))];
        var naming = new Naming(recorded.Select(r => r.Labels).Distinct());
        var metrics = recorded.Select(r => r.Metric).ToHashSet();
        var plots = recorded.Where(r => Quantity.ExtremeOf(r.Metric) is not { } whole || !metrics.Contains(whole)).GroupBy(r => r.Metric)
            .Select(metric => new { Quantity = Quantity.Of(metric.Key, prefix, units), Series = metric.ToList() })
            .Where(p => p.Quantity.Unit.Length > 0 || p.Series.Any(s => s.Points.Any(point => point.Value is not (-1 or 0 or 1))))
            .OrderBy(p => p.Quantity.IsOfDevice);
        return Html.Join(plots.Select((p, i) => Plot.Of($"plot-{account}-{i}", p.Quantity, [.. p.Series.Select(s => (naming.Of(s.Labels), s.Points))], clock)));
    }

    /// <summary>What has a unit is on top, the rest a click away.</summary>
    private static Html Tile(string name, IEnumerable<Measured> values, IEnumerable<(string Name, string Value)> about, Func<string, Quantity> quantityOf, Clock clock)
    {
        var rows = values.Select(v => new Row(quantityOf(v.Family.Name), v, Quantity.IsMoment(v.Family)))
            .OrderBy(r => r.Quantity.IsOfDevice).ToList();
        var first = rows.Where(r => r is { IsMoment: false, Quantity.Unit.Length: > 0 }).ToList();
        var rest = rows.Except(first).ToList();
        if (first.Count == 0)
        {
            (first, rest) = (rest, []);
        }
        var more = rest.Select(Line).Concat(about.Select(a => (Html)$"<div><dt>{a.Name}</dt><dd>{a.Value}</dd></div>")).ToList();
        return $"""
            <section class="tile"><h4>{name}</h4>
            <dl class="values">{first.Select(Line)}</dl>
            {(more.Count == 0 ? Html.Nothing : (Html)$"<details><summary>More</summary><dl class=\"values\">{more}</dl></details>")}
            </section>
            """;

        Html Line(Row row) =>
            $"<div><dt title=\"{row.Measured.Family.Help}\">{row.Quantity.Title}</dt><dd>{(row.IsMoment ? Moment(row.Measured.Value) : (Html)$"{row.Quantity.Text(row.Measured.Value)}")}</dd></div>";

        Html Moment(double seconds) => seconds is > 0 and < 253_402_300_800 ? clock.At(DateTimeOffset.FromUnixTimeSeconds((long)seconds)) : $"never";
    }

    /// <summary>A value under a provider's own word for it, which stands under ours, too, where it is known: for queries, not for a page.</summary>
    private static bool IsRaw(LabelSet labels) => labels["key"] is not null;

    private static bool Covers(LabelSet info, LabelSet labels)
    {
        foreach (var (name, value) in labels.Labels)
        {
            if (info[name] != value)
            {
                return false;
            }
        }
        return true;
    }

    private static List<(string Name, string Value)> Beyond(LabelSet info, LabelSet labels)
    {
        var beyond = new List<(string Name, string Value)>();
        foreach (var (name, value) in info.Labels)
        {
            if (labels[name] is null)
            {
                beyond.Add((name.Replace('_', ' '), value));
            }
        }
        return beyond;
    }

    private sealed record Measured(MetricFamily Family, LabelSet Labels, double Value);

    private sealed record Row(Quantity Quantity, Measured Measured, bool IsMoment);

    /// <summary>Things are told apart by the labels in which they differ; what they share is said once.</summary>
    private sealed class Naming
    {
        private readonly HashSet<string> shared = [];
        private readonly List<string> sharedValues = [];

        public Naming(IEnumerable<LabelSet> things)
        {
            var all = things.ToList();
            if (all.Count < 2)
            {
                return;
            }
            foreach (var (name, value) in all[0].Labels)
            {
                if (all.All(labels => labels[name] == value))
                {
                    shared.Add(name);
                    sharedValues.Add(value);
                }
            }
        }

        public Html Subtitle => sharedValues.Count == 0 ? Html.Nothing : $"<p class=\"shared\">{string.Join(" · ", sharedValues)}</p>";

        public string Of(LabelSet labels)
        {
            var values = new List<string>();
            foreach (var (name, value) in labels.Labels)
            {
                if (!shared.Contains(name) && !values.Contains(value))
                {
                    // A number alone says nothing of what it counts.
                    values.Add(value.All(char.IsAsciiDigit) ? $"{name.Replace('_', ' ')} {value}" : value);
                }
            }
            return string.Join(" · ", values);
        }
    }
}
