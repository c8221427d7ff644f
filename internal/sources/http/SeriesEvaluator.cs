using System.Globalization;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>Makes the series of a module from the answers of one round. Not thread-safe.</summary>
/// <param name="limit">Of the account's series.</param>
internal sealed class SeriesEvaluator(Module module, Round round, SeriesLimit limit)
{
    private readonly Dictionary<string, Growing> series = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> duplicates = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> absent = new(StringComparer.Ordinal);
    private int count;

    /// <summary>The reading, or the failure if it has too many series.</summary>
    /// <exception cref="FormulaLimitException">The formulas need too many steps.</exception>
    public Result<HttpReading, ApiFailure> Evaluate()
    {
        foreach (var group in module.Series)
        {
            foreach (var answer in round.AnswersOf(group.From))
            {
                foreach (var scope in answer.Within.Expand(group.Loops))
                {
                    Add(group, scope);
                    if (limit.Check(count, "at least ") is { } tooMany)
                    {
                        return tooMany;
                    }
                }
            }
        }
        return new HttpReading(module.Name, [.. series.Values.Select(one => new HttpSeries(one.Metric, one.Samples))], duplicates, absent,
            [.. round.Notices, .. Notices()]);
    }

    private void Add(SeriesGroup group, FormulaScope scope)
    {
        if (group.Where?.IsTrue(scope) == false)
        {
            return;
        }
        var staleAt = group.Stale is { } stale && Time(group.Time?.EvaluateNumber(scope)) is { } measured ? measured + stale : (DateTimeOffset?)null;
        var thing = Labels(group.Labels, LabelSet.Empty, scope);
        foreach (var metric in group.Metrics)
        {
            if (metric.Where?.IsTrue(scope) != false)
            {
                Add(group, metric, thing, staleAt, scope);
            }
        }
    }

    private void Add(SeriesGroup group, ModuleMetric metric, LabelSet thing, DateTimeOffset? staleAt, FormulaScope scope)
    {
        if (Sample(metric, Labels(metric.Labels, thing, scope), thing, staleAt, metric.Value?.Evaluate(scope)) is not { } sample)
        {
            absent[metric.Name] = absent.GetValueOrDefault(metric.Name) + 1;
            return;
        }
        if (!series.TryGetValue(metric.Name, out var one))
        {
            series[metric.Name] = one = new Growing(metric);
        }
        if (one.Seen.Add(sample.Labels))
        {
            one.Samples.Add(sample);
            count += Math.Max(1, metric.States.Count);
        }
        else if (!group.KeepsFirst)
        {
            duplicates[metric.Name] = duplicates.GetValueOrDefault(metric.Name) + 1;
        }
    }

    private static HttpSample? Sample(ModuleMetric metric, LabelSet labels, LabelSet thing, DateTimeOffset? staleAt, object? value)
    {
        HttpSample Of(double number, ReadingValue? shown, string? state = null) => new(labels, thing, number, state, shown, staleAt);

        return metric switch
        {
            { Kind: MetricKind.Info } => Of(1, null),
            { Kind: MetricKind.StateSet } => FormulaValue.Text(value) is { } state && metric.States.Contains(state)
                ? Of(1, new ReadingValue.Text(state), state)
                : null,
            { Map: { } map } => FormulaValue.Text(value) is { } text && map.TryGetValue(text, out var mapped)
                ? Of(mapped, new ReadingValue.Text(text))
                : null,
            _ => FormulaValue.Number(value) is not { } number ? null
                : Of(number, value is bool or JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False }
                    ? new ReadingValue.Flag(number != 0) : null),
        };
    }

    private static LabelSet Labels(IReadOnlyList<ModuleLabel> labels, LabelSet common, FormulaScope scope)
    {
        if (labels.Count == 0)
        {
            return common;
        }
        var all = new (string, string)[common.Count + labels.Count];
        common.Labels.ToArray().CopyTo(all, 0);
        for (var i = 0; i < labels.Count; i++)
        {
            var (name, formula, map) = labels[i];
            var value = formula.EvaluateText(scope) ?? "";
            all[common.Count + i] = (name, map is null ? value : map.GetValueOrDefault(value, ""));
        }
        return LabelSet.Of(all);
    }

    private static DateTimeOffset? Time(double? seconds) =>
        seconds is > 0 and < 2.5e11 ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds.Value) : null;

    private IEnumerable<string> Notices()
    {
        if (duplicates.Count > 0)
        {
            var names = string.Join(", ", duplicates.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Key} ({one.Value})")));
            yield return $"Series with the same labels as an earlier one are not exported: {names}. "
                + "Add a label that tells them apart, or duplicates: first.";
        }
        if (series.Count == 0)
        {
            yield return $"The answers contain nothing that the module {module.Name} exports.";
        }
    }

    /// <summary>The samples of one metric so far, in the order of the module.</summary>
    private sealed class Growing(ModuleMetric metric)
    {
        public ModuleMetric Metric => metric;

        public List<HttpSample> Samples { get; } = [];

        public HashSet<LabelSet> Seen { get; } = [];
    }
}
