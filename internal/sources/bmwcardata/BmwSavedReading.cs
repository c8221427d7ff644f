using System.Text.Json;
using System.Text.Json.Serialization;
using Counts = System.Collections.Immutable.ImmutableSortedDictionary<string, long>;

namespace Exporter.BmwCarData;

/// <summary>
/// A reading as JSON, to show it in another process, or to continue it there. Its values have the format of the file; beside them are the
/// counts of the stream. The process with the stream saves, and only the others restore.
/// </summary>
internal sealed record BmwSavedReading(IReadOnlyList<JsonElement> Cars, SavedStream Stream, CarDescriptions? Descriptions = null)
{
    /// <param name="descriptions">For the process that continues; null without the CarData API.</param>
    public static void Write(Utf8JsonWriter writer, BmwReading reading, BmwStreamState stream, CarDescriptions? descriptions)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("cars");
        foreach (var (vin, car) in reading.Cars)
        {
            var json = BmwValuesFile.ToJson(vin, car);
            json["state"] = JsonSerializer.SerializeToNode(new SavedCar(car.Messages, car.LastMessage, car.Info), BmwSavedJson.Default.SavedCar);
            json.WriteTo(writer);
        }
        writer.WriteEndArray();
        writer.WritePropertyName("stream");
        JsonSerializer.Serialize(
            writer, new SavedStream(stream.Connected, stream.Connects, stream.Disconnects, reading.Errors), BmwSavedJson.Default.SavedStream);
        if (descriptions is not null)
        {
            writer.WritePropertyName("descriptions");
            JsonSerializer.Serialize(writer, descriptions, BmwSavedJson.Default.CarDescriptions);
        }
        writer.WriteEndObject();
    }

    /// <exception cref="JsonException">It is no reading.</exception>
    /// <param name="status">Of the saved reading. The state of the stream is a part of it.</param>
    public static (BmwReading Reading, BmwStreamState Stream, CarDescriptions? Descriptions) Read(
        JsonElement json, ReadingStatus status, BmwCarDataOptions options, DateTimeOffset now)
    {
        var saved = json.Deserialize(BmwSavedJson.Default.BmwSavedReading) ?? throw new JsonException();
        var stream = saved.Stream;
        var reading = saved.Cars.Aggregate(BmwReading.Empty, (next, car) => With(next, car, options, now)) with
        {
            Errors = stream.Errors.ToCounts(StringComparer.Ordinal),
        };
        return (reading, new BmwStreamState
        {
            Connected = stream.Connected,
            LastTry = status.LastTry,
            NextTry = status.NextTry,
            Failure = status.Failure,
            Connects = stream.Connects.ToCounts(null),
            Disconnects = stream.Disconnects.ToCounts(null),
            Failures = status.Failures,
        }, saved.Descriptions);
    }

    private static BmwReading With(BmwReading reading, JsonElement json, BmwCarDataOptions options, DateTimeOffset now)
    {
        if (BmwMessageParser.Parse(json, "").Message is not { } values)
        {
            throw new JsonException();
        }
        var next = reading.WithValues(values, options, now);
        var state = Json.Member(json, "state")?.Deserialize(BmwSavedJson.Default.SavedCar);
        // The options can exclude a car that the other process included.
        return state is null || next.Cars.GetValueOrDefault(values.Vin) is not { } car ? next : next with
        {
            Cars = next.Cars.SetItem(values.Vin, car with
            {
                Messages = Math.Max(0, state.Messages),
                LastMessage = state.LastMessage,
                Info = state.Info is { } info ? info with { Vin = values.Vin } : null,
            }),
        };
    }
}

internal static class SavedCounts
{
    /// <param name="order">By default that of the current culture, as in <see cref="BmwStreamState"/>.</param>
    public static Counts ToCounts(this IReadOnlyDictionary<string, long> counts, IComparer<string>? order) =>
        Counts.Empty.WithComparers(order).AddRange(counts);
}

/// <param name="Errors">Of messages.</param>
internal sealed record SavedStream(
    bool Connected, IReadOnlyDictionary<string, long> Connects, IReadOnlyDictionary<string, long> Disconnects,
    IReadOnlyDictionary<string, long> Errors);

/// <summary>What the file does not have of a car.</summary>
internal sealed record SavedCar(long Messages, DateTimeOffset? LastMessage = null, CarInfo? Info = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BmwSavedReading))]
[JsonSerializable(typeof(SavedStream))]
[JsonSerializable(typeof(SavedCar))]
internal sealed partial class BmwSavedJson : JsonSerializerContext;
