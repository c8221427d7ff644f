using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>A response of getstationsdata or gethomecoachsdata whose times follow the clock. Immutable.</summary>
public sealed class NetatmoSample
{
    /// <summary>The members with times (Unix seconds). Zero means "never" and stays.</summary>
    private static readonly HashSet<string> Times =
    [
        "time_utc", "date_min_temp", "date_max_temp", "date_max_wind_str", "last_seen", "last_message", "last_status_store", "last_setup",
        "date_setup", "last_upgrade",
    ];

    private readonly string name;
    private readonly byte[] json;

    private NetatmoSample(string name, byte[] json) => (this.name, this.json) = (name, json);

    /// <summary>One station: base, outdoor, indoor, wind and rain.</summary>
    public static NetatmoSample Small { get; } = Embedded("small");

    /// <summary>Special cases of real accounts: lost and never-paired modules, a guest station, equal names, fractions and numbers as text.</summary>
    public static NetatmoSample Odd { get; } = Embedded("odd");

    /// <summary>One Healthy Home Coach.</summary>
    public static NetatmoSample HomeCoach { get; } = Embedded("homecoach");

    /// <summary>200 stations of four modules each.</summary>
    public static NetatmoSample Large { get; } = OfStations(200);

    /// <summary>Stations of four modules each.</summary>
    public static NetatmoSample OfStations(int stations)
    {
        var answer = JsonNode.Parse(Small.json)!;
        var devices = answer["body"]!["devices"]!.AsArray();
        var model = devices[0]!;
        devices.Clear();
        for (var number = 0; number < stations; number++)
        {
            var station = model.DeepClone();
            station["home_name"] = $"Home {number:000}";
            station["station_name"] = $"Home {number:000} (Indoor)";
            foreach (var (index, module) in station["modules"]!.AsArray().Prepend(station).Index())
            {
                module!["_id"] = string.Create(CultureInfo.InvariantCulture, $"70:ee:50:{number / 256:x2}:{number % 256:x2}:{index:x2}");
                // Values differ from station to station, so that a mix-up shows.
                if (module["dashboard_data"]!["Temperature"] is JsonValue temperature)
                {
                    module["dashboard_data"]!["Temperature"] = JsonValue.Create(Math.Round(temperature.GetValue<double>() + (number / 10.0), 1));
                }
            }
            devices.Add(station);
        }
        return new NetatmoSample("large", Encoding.UTF8.GetBytes(answer.ToJsonString()));
    }

    /// <exception cref="InvalidDataException">The text is not a response of Netatmo; the message has the reason.</exception>
    public static NetatmoSample FromJson(string text, string name = "given")
    {
        try
        {
            if (JsonNode.Parse(text)?["body"]?["devices"] is not JsonArray devices || devices.Any(device => device is not JsonObject))
            {
                throw new InvalidDataException("the response has no list body.devices of objects.");
            }
            return new NetatmoSample(name, Encoding.UTF8.GetBytes(text));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"the response is not JSON in the expected format: {error.Message}", error);
        }
    }

    /// <summary>The sample with that name (small, odd, large), or else the content of that file.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read or is not a response of Netatmo.</exception>
    public static NetatmoSample Named(string nameOrFile)
    {
        switch (nameOrFile)
        {
            case "small":
                return Small;
            case "odd":
                return Odd;
            case "large":
                return Large;
        }
        try
        {
            return FromJson(File.ReadAllText(nameOrFile), nameOrFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new InvalidDataException($"{nameOrFile}: {error.Message}", error);
        }
    }

    public override string ToString() => name;

    /// <summary>Shifts all times of a station, so that its newest measurement is now; null if the device is missing.</summary>
    internal byte[]? At(DateTimeOffset now, bool favorites, string? deviceId)
    {
        var answer = JsonNode.Parse(json)!;
        var devices = answer["body"]!["devices"]!.AsArray();
        var newestOfAll = Newest(devices);
        foreach (var device in devices.ToArray())
        {
            if ((deviceId is not null && !Is(device!["_id"], deviceId)) || (!favorites && device!["favorite"]?.GetValueKind() == JsonValueKind.True))
            {
                devices.Remove(device);
            }
            else if ((Newest(device) ?? newestOfAll) is { } newest)
            {
                Move(device, now.ToUnixTimeSeconds() - newest);
            }
        }
        if (deviceId is not null && devices.Count == 0)
        {
            return null;
        }
        answer["time_server"] = JsonValue.Create(now.ToUnixTimeSeconds());
        return Encoding.UTF8.GetBytes(answer.ToJsonString());
    }

    private static bool Is(JsonNode? node, string text) => node is JsonValue value && value.TryGetValue<string>(out var found) && found == text;

    private static long? Newest(JsonNode? node) => node switch
    {
        JsonArray list => list.Max(Newest),
        JsonObject members => members.Max(member => member.Key == "time_utc" ? Seconds(member.Value) : Newest(member.Value)),
        _ => null,
    };

    private static void Move(JsonNode? node, long by)
    {
        switch (node)
        {
            case JsonArray list:
                foreach (var item in list)
                {
                    Move(item, by);
                }
                break;
            case JsonObject members:
                foreach (var (name, value) in members.ToArray())
                {
                    if (Times.Contains(name) && Seconds(value) is { } seconds and not 0)
                    {
                        members[name] = value!.GetValueKind() == JsonValueKind.String
                            ? JsonValue.Create((seconds + by).ToString(CultureInfo.InvariantCulture))
                            : JsonValue.Create(seconds + by);
                    }
                    else
                    {
                        Move(value, by);
                    }
                }
                break;
        }
    }

    private static long? Seconds(JsonNode? node) => node switch
    {
        JsonValue value when value.TryGetValue<long>(out var number) => number,
        JsonValue value when value.TryGetValue<string>(out var text) && long.TryParse(text, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    private static NetatmoSample Embedded(string name)
    {
        using var stream = typeof(NetatmoSample).Assembly.GetManifestResourceStream($"netatmo/{name}.json")!;
        using var reader = new StreamReader(stream);
        return FromJson(reader.ReadToEnd(), name);
    }
}
