using System.Text.Json;

namespace Exporter.Http;

/// <summary>The series of a module at one time. The answers that they were made of are not kept. Immutable.</summary>
/// <param name="Series">One for each name.</param>
/// <param name="Duplicates">The number of series that were omitted because an earlier one has the same labels, by name.</param>
/// <param name="Absent">How often each metric had no value although its conditions were true.</param>
/// <param name="Notices">What the user should know, in sentences.</param>
internal sealed record HttpReading(
    string Module,
    IReadOnlyList<HttpSeries> Series,
    IReadOnlyDictionary<string, int> Duplicates,
    IReadOnlyDictionary<string, int> Absent,
    IReadOnlyList<string> Notices)
{
    /// <summary>All series as JSON, for people who write a module.</summary>
    public byte[] ToJson() => JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        foreach (var (metric, samples) in Series)
        {
            writer.WriteStartArray(metric.Name);
            foreach (var sample in samples)
            {
                writer.WriteStartObject();
                foreach (var (name, value) in sample.Labels.Labels)
                {
                    writer.WriteString(name, value);
                }
                writer.WriteString("value", sample.State ?? FormulaValue.Text(sample.Value));
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }, new JsonWriterOptions { Indented = true });
}

internal sealed record HttpSeries(ModuleMetric Metric, IReadOnlyList<HttpSample> Samples);

/// <param name="Thing">The labels that the sample shares with the others of its group: they name what was measured.</param>
/// <param name="State">Of a state set; otherwise null.</param>
/// <param name="Shown">The value as text or Boolean, if people read it as such.</param>
/// <param name="StaleAt">When the sample is omitted; null if it is not.</param>
internal sealed record HttpSample(LabelSet Labels, LabelSet Thing, double Value, string? State, ReadingValue? Shown, DateTimeOffset? StaleAt);
