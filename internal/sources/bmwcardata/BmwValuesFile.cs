using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Tokens;
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
            if (new FileInfo(path) is not { Exists: true } file)
            {
                return [];
            }
            if (file.Length > MaximumSize)
            {
                SetAside($"it is larger than {MaximumSize >> 20} MB");
                return [];
            }
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind == JsonValueKind.Array)
            {
                return [.. document.RootElement.EnumerateArray().Select(message => BmwMessageParser.Parse(message, "").Message).OfType<BmwMessage>()];
            }
            SetAside("it is not a list of messages");
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
            BmwStateFiles.Write(path, Write(reading));
            warned = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Warn(e);
        }
    }

    private static byte[] Write(BmwReading reading) => JsonSerializer.SerializeToUtf8Bytes(
        [.. reading.Cars.Select(car => new StoredCar(car.Key, car.Value.Values.ToDictionary(
            value => value.Key, value => new StoredValue(value.Value.At.UtcDateTime, Raw(value.Value.Value), value.Value.Unit))))],
        BmwValuesJson.Default.IReadOnlyListStoredCar);

    private static object? Raw(BmwValue value) => value switch
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

internal sealed record StoredCar(string Vin, IReadOnlyDictionary<string, StoredValue> Data);

/// <param name="Value">A number, a Boolean, a text, or null.</param>
internal sealed record StoredValue(DateTime Timestamp, object? Value, string? Unit);

[JsonSerializable(typeof(IReadOnlyList<StoredCar>))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(string))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class BmwValuesJson : JsonSerializerContext;
