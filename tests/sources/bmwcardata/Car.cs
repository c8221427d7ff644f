using System.Text;
using Exporter.BmwCarData;
using Exporter.Metrics;
using Exporter.Tests.Support;

namespace Exporter.Tests.BmwCarData;

/// <summary>Reads the messages of testdata, and converts them to readings and families.</summary>
internal static class Car
{
    public const string Electric = "WBY00000000000001";
    public const string Combustion = "WBA00000000000002";

    public static readonly DateTimeOffset Now = new(2026, 11, 21, 10, 13, 0, TimeSpan.Zero);

    public static readonly BmwCarDataOptions Options = new(null, [], new Uri("https://auth.invalid"), "127.0.0.1", 1, MqttLogging: false);

    public static IReadOnlyList<string> Messages(string name) =>
        File.ReadAllLines(Path.Combine(Golden.Root, "sources", "bmwcardata", "testdata", name));

    public static (BmwMessage? Message, string? Error) Parse(string message, string topic = $"gcid/{Combustion}") =>
        BmwMessageParser.Parse(Encoding.UTF8.GetBytes(message), topic);

    public static BmwReading Reading(IEnumerable<string> messages, BmwCarDataOptions? options = null) =>
        messages.Aggregate(BmwReading.Empty, (reading, message) => reading.With(Parse(message), options ?? Options, Now));

    /// <summary>A message with one key.</summary>
    public static string Message(string key, string value, string? unit = null, string at = "2026-11-21T10:00:00Z")
    {
        unit = unit is null ? "null" : $"\"{unit}\"";
        return $$$"""{"vin":"{{{Electric}}}","data":{"{{{key}}}":{"value":{{{value}}},"unit":{{{unit}}},"timestamp":"{{{at}}}"} } }""";
    }

    public static IEnumerable<MetricFamily> Families(BmwReading reading, BmwCarDataOptions? options = null) =>
        BmwMetrics.From(reading, options ?? Options);

    /// <summary>The value of the only series of a family with these labels; null when there is none.</summary>
    public static double? Value(BmwReading reading, string family, params (string Name, string Value)[] labels) =>
        Families(reading).SingleOrDefault(f => f.Name == family)?.Samples
            .Where(s => labels.All(l => s.Labels[l.Name] == l.Value)).Select(s => (double?)s.Value).SingleOrDefault();
}
