using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Ergani;

/// <summary>The available counts. Each needs one call.</summary>
internal enum ErganiCount
{
    Submissions,
    Services,
    Employer,
    Branches,
    Workforce,
}

/// <summary>Counts only, because Ergani's other data is personal. A count that is not configured or not allowed is null.</summary>
/// <param name="Workforce">Employees by the serial number of their branch; 0 is the seat, -1 a branch without a number.</param>
internal sealed record ErganiReading(
    int? Submissions = null, int? Services = null, bool? InCardSector = null, int? Branches = null, IReadOnlyDictionary<int, int>? Workforce = null)
{
    /// <summary>The names of <see cref="ErganiCount"/> in settings.</summary>
    public static IReadOnlyList<string> CountNames { get; } = [.. Enum.GetNames<ErganiCount>().Select(name => name.ToLowerInvariant())];

    public static int? CountOf(JsonElement result, string service, string list) => ObjectsOf(result, service, list)?.Count();

    public static bool? InCardSectorOf(JsonElement result) =>
        ObjectsOf(result, "EX_BASE_01", "Ergodotis")?.Select(employer => ErganiResponse.Text(employer, "IsInCardSector")).FirstOrDefault() switch
        {
            "1" => true,
            "0" => false,
            _ => null,
        };

    /// <summary>A branch that is not a number counts as -1, so that no text from outside becomes a label.</summary>
    public static IReadOnlyDictionary<int, int>? WorkforceOf(JsonElement result) => ObjectsOf(result, "EX_BASE_05", "Cur")?
        .Select(employee => ErganiResponse.Text(employee, "PararthmaAa"))
        .CountBy(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var branch) ? branch : -1)
        .ToDictionary();

    /// <summary>The reading for <c>/debug/data</c>.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ErganiReadingJson.Default.ErganiReading);

    /// <summary>Ergani returns an array, or the object itself if there is only one.</summary>
    private static IEnumerable<JsonElement>? ObjectsOf(JsonElement result, string service, string list) =>
        ErganiResponse.Member(ErganiResponse.Member(result, service), list) switch
        {
            { ValueKind: JsonValueKind.Array } found => found.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object),
            { ValueKind: JsonValueKind.Object } found => [found],
            { ValueKind: JsonValueKind.Null } => [],
            _ => null,
        };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ErganiReading))]
[JsonSerializable(typeof(IReadOnlyList<ErganiCount>))]
internal sealed partial class ErganiReadingJson : JsonSerializerContext;
