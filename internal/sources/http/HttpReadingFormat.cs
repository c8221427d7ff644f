using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Http;

/// <summary>
/// Saves readings of a module. Metrics are saved by their names. After a change of the module, a saved reading loses what the module no
/// longer has.
/// </summary>
internal sealed class HttpReadingFormat(Module module)
{
    private readonly Dictionary<string, KnownMetric> known = (
        from @group in module.Series
        from metric in @group.Metrics
        group (Metric: metric, Labels: @group.Labels.Concat(metric.Labels)) by metric.Name into same
        select KeyValuePair.Create(same.Key, new KnownMetric(
            [.. same.Select(one => one.Metric)],
            same.SelectMany(one => one.Labels).Select(label => label.Name).ToHashSet(StringComparer.Ordinal)))).ToDictionary();

    /// <param name="memory">Of the reader.</param>
    public static ReadingFormat<HttpReading> Of(Module module, PollMemory memory)
    {
        var format = new HttpReadingFormat(module);
        return new(
            HttpSource.SourceName,
            (writer, reading) => JsonSerializer.Serialize(writer, format.Save(reading), SavedHttpJson.Default.SavedHttpReading),
            json => json.Deserialize(SavedHttpJson.Default.SavedHttpReading) is { } saved ? format.Restore(saved) : null)
        {
            Memory = memory,
        };
    }

    private SavedHttpReading Save(HttpReading reading)
    {
        var things = new OrderedDictionary<LabelSet, Dictionary<string, string>>();
        return new SavedHttpReading(
            [.. reading.Series.Select(series => new SavedSeries(
                series.Metric.Name,
                Math.Max(0, known[series.Metric.Name].Metrics.IndexOf(series.Metric)),
                [.. series.Samples.Select(sample => Save(sample, things))]))],
            [.. things.Values],
            reading.Duplicates, reading.Absent, reading.Notices);
    }

    private static SavedSample Save(HttpSample sample, OrderedDictionary<LabelSet, Dictionary<string, string>> things)
    {
        if (!things.TryAdd(sample.Thing, sample.Thing.Labels.ToDictionary(label => label.Name, label => label.Value), out var thing))
        {
            thing = things.IndexOf(sample.Thing);
        }
        var own = sample.Labels.Labels.Where(label => sample.Thing[label.Name] is null).ToDictionary(label => label.Name, label => label.Value);
        return new SavedSample(thing, sample.Value)
        {
            Own = own.Count > 0 ? own : null,
            State = sample.State,
            Text = (sample.Shown as ReadingValue.Text)?.Value,
            Flag = (sample.Shown as ReadingValue.Flag)?.Value,
            StaleAt = sample.StaleAt,
        };
    }

    private HttpReading Restore(SavedHttpReading saved)
    {
        var things = ReadingFormat.WithoutNull(saved.Things).Select(thing => Labels(thing, _ => true)).ToList();
        return new HttpReading(
            module.Name,
            [.. ReadingFormat.WithoutNull(saved.Series).Where(series => known.ContainsKey(series.Metric))
                .Select(series => Restore(series, known[series.Metric], things))],
            saved.Duplicates, saved.Absent, ReadingFormat.WithoutNull(saved.Notices));
    }

    private static HttpSeries Restore(SavedSeries series, KnownMetric known, List<LabelSet> things)
    {
        // The module can define a metric several times, for example with another way to show it.
        var metric = known.Metrics.ElementAtOrDefault(series.Definition) ?? known.Metrics[0];
        return new HttpSeries(metric, [.. ReadingFormat.WithoutNull(series.Samples)
            .Where(sample => metric.Kind != MetricKind.StateSet || (sample.State is { } state && metric.States.Contains(state)))
            .Select(sample => Restore(sample, known, things))]);
    }

    private static HttpSample Restore(SavedSample sample, KnownMetric known, List<LabelSet> things)
    {
        var thing = things.ElementAtOrDefault(sample.Thing) ?? throw new JsonException();
        var all = sample.Own is null ? thing : LabelSet.Of([.. thing.Labels, .. Labels(sample.Own, name => thing[name] is null).Labels]);
        // A label that the metric does not have could be invalid, or that of the account.
        var labels = all.Names.All(known.Labels.Contains) ? all : LabelSet.Of([.. all.Labels.Where(label => known.Labels.Contains(label.Name))]);
        return new HttpSample(
            labels, thing, sample.Value, sample.State,
            sample.Text is { } text ? new ReadingValue.Text(text) : sample.Flag is { } flag ? new ReadingValue.Flag(flag) : null,
            sample.StaleAt);
    }

    private static LabelSet Labels(IReadOnlyDictionary<string, string> labels, Func<string, bool> includes) =>
        LabelSet.Of([.. from label in labels where includes(label.Key) select (label.Key, label.Value ?? throw new JsonException())]);

    /// <param name="Metrics">The definitions with this name, in the order of the module.</param>
    /// <param name="Labels">The names of the labels of all definitions.</param>
    private sealed record KnownMetric(List<ModuleMetric> Metrics, HashSet<string> Labels);
}

/// <param name="Things">What was measured. Samples name a thing by its index here, because many samples share one.</param>
internal sealed record SavedHttpReading(
    IReadOnlyList<SavedSeries> Series,
    IReadOnlyList<IReadOnlyDictionary<string, string>> Things,
    IReadOnlyDictionary<string, int> Duplicates,
    IReadOnlyDictionary<string, int> Absent,
    IReadOnlyList<string> Notices);

/// <param name="Definition">The index of the definition among those with the same name.</param>
internal sealed record SavedSeries(string Metric, int Definition, IReadOnlyList<SavedSample> Samples);

internal sealed record SavedSample(int Thing, double Value)
{
    /// <summary>The labels that only the sample has; null if there are none.</summary>
    public IReadOnlyDictionary<string, string>? Own { get; init; }
    public string? State { get; init; }

    /// <summary>The value as text, if people read it as such; otherwise null.</summary>
    public string? Text { get; init; }

    /// <summary>The value as Boolean, if people read it as such; otherwise null.</summary>
    public bool? Flag { get; init; }
    public DateTimeOffset? StaleAt { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SavedHttpReading))]
internal sealed partial class SavedHttpJson : JsonSerializerContext;
