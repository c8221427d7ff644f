using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// Stores the last values of an account's cars across restarts, because a sleeping car sends nothing for days. The format is that of BMW's
/// messages. An unreadable file is renamed; it never stops the exporter.
/// </summary>
internal sealed class BmwValuesFile(string path, TimeProvider time, ILogger logger)
{
    /// <summary>In bytes. The limits of a reading allow no more.</summary>
    private const int MaximumSize = 32 << 20;

    private bool warned;

    public static string PathOf(string stateDirectory, string account) =>
        Path.Combine(stateDirectory, "bmw-cardata", $"{Uri.EscapeDataString(account)}.values.json");

    public IReadOnlyList<BmwMessage> Load()
    {
        try
        {
            var file = new FileInfo(path);
            if (file is { Exists: true, Length: > MaximumSize })
            {
                SetAside($"it is larger than {MaximumSize >> 20} MB");
            }
            else if (file.Exists)
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(path));
                if (document.RootElement.ValueKind == JsonValueKind.Array)
                {
                    var messages = document.RootElement.EnumerateArray().Select(message => BmwMessageParser.Parse(message, "").Message);
                    return [.. messages.OfType<BmwMessage>()];
                }
                SetAside("it is not a list of messages");
            }
        }
        catch (JsonException)
        {
            SetAside("it is not JSON");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Warn(e);
        }
        return [];
    }

    public void Save(BmwReading reading)
    {
        try
        {
            BmwStateFiles.Write(path, Encoding.UTF8.GetBytes(ToJson(reading).ToJsonString()));
            warned = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Warn(e);
        }
    }

    /// <summary>A car as a message of the stream with all its values.</summary>
    public static JsonObject ToJson(string vin, BmwCar car) => new()
    {
        ["vin"] = vin,
        ["data"] = new JsonObject(car.Values.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)ToJson(value.Value)))),
    };

    private static JsonArray ToJson(BmwReading reading) => new([.. reading.Cars.Select(car => ToJson(car.Key, car.Value))]);

    private static JsonObject ToJson(BmwLastValue last) =>
        new() { ["timestamp"] = last.At.UtcDateTime, ["value"] = ToJson(last.Value), ["unit"] = last.Unit };

    private static JsonNode? ToJson(BmwValue value) => value switch
    {
        BmwValue.Number(var number) => number,
        BmwValue.Flag(var flag) => flag,
        BmwValue.Text(var text) => text,
        _ => null,
    };

    private void SetAside(string reason)
    {
        var aside = $"{path}.corrupt-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}";
        try
        {
            File.Move(path, aside, overwrite: true);
            logger.LogWarning("{File}: the cars' last values cannot be read: {Reason}. The file is now {Aside}", path, reason, aside);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Warn(e);
        }
    }

    private void Warn(Exception e)
    {
        if (!warned)
        {
            logger.LogWarning("{File}: the cars' last values cannot be stored, so a restart loses them: {Reason}", path, Sanitize.Line(e.Message));
        }
        warned = true;
    }
}
