using System.Text.Json;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.BmwCarData;

/// <summary>
/// The last values of an account's cars, kept for the next start: a car that sleeps says nothing for days. They are kept as BMW's own
/// messages, with the times of the car. A file that cannot be read is set aside and never ends anything.
/// </summary>
internal sealed class BmwValuesFile(string path, TimeProvider time, ILogger logger)
{
    /// <summary>In bytes; the caps of a reading allow no more.</summary>
    private const int Largest = 32 << 20;

    private bool complained;

    /// <summary>The place for an account's values in the program's directory.</summary>
    public static string PathOf(string stateDirectory, string account) => Path.Combine(stateDirectory, "bmw-cardata", $"{Uri.EscapeDataString(account)}.values.json");

    /// <summary>What is kept: a message for each car.</summary>
    public IReadOnlyList<BmwDelivery.Message> Load()
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true } file)
            {
                return [];
            }
            if (file.Length > Largest)
            {
                SetAside($"it has more than {Largest >> 20} MB");
                return [];
            }
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind == JsonValueKind.Array)
            {
                return [.. document.RootElement.EnumerateArray().Select(message => BmwMessage.Read(message, "")).OfType<BmwDelivery.Message>()];
            }
            SetAside("it is no list of messages");
        }
        catch (JsonException)
        {
            SetAside("it is not JSON");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complain(e);
        }
        return [];
    }

    public void Save(BmwReading reading)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            AtomicFile.Replace(path, Write(reading));
            complained = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complain(e);
        }
    }

    private static byte[] Write(BmwReading reading)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartArray();
            foreach (var (vin, car) in reading.Cars)
            {
                json.WriteStartObject();
                json.WriteString("vin", vin);
                json.WriteStartObject("data");
                foreach (var (key, held) in car.Values)
                {
                    json.WriteStartObject(key);
                    json.WriteString("timestamp", held.At.UtcDateTime);
                    Write(json, held.Value);
                    json.WriteString("unit", held.Unit);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return output.ToArray();
    }

    private static void Write(Utf8JsonWriter json, BmwValue value)
    {
        switch (value)
        {
            case BmwValue.None:
                json.WriteNull("value");
                break;
            case BmwValue.Number(var number):
                json.WriteNumber("value", number);
                break;
            case BmwValue.Flag(var flag):
                json.WriteBoolean("value", flag);
                break;
            case BmwValue.Text(var text):
                json.WriteString("value", text);
                break;
            default:
                throw new InvalidOperationException("a value is nothing else");
        }
    }

    private void SetAside(string reason)
    {
        var aside = $"{path}.corrupt-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}";
        try
        {
            File.Move(path, aside, overwrite: true);
            logger.LogWarning("{File}: the cars' last values cannot be read, because {Reason}; the file is now {Aside}", path, reason, aside);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complain(e);
        }
    }

    private void Complain(Exception e)
    {
        if (!complained)
        {
            logger.LogWarning("{File}: the cars' last values cannot be kept there, so that a restart does not know of them: {Reason}", path, Sanitize.Line(e.Message));
        }
        complained = true;
    }
}
