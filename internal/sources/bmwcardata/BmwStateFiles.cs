using System.Text.Json.Serialization;

namespace Exporter.BmwCarData;

/// <summary>Writes the files of an account in the state directory.</summary>
internal static class BmwStateFiles
{
    /// <summary>The largest size in bytes of a file that is read.</summary>
    public const int Largest = 1 << 20;

    /// <summary>Replaces a file atomically, and creates its directory if necessary.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        PrivateDirectory.Create(Path.GetDirectoryName(path)!);
        AtomicFile.Replace(path, content);
    }
}

/// <param name="At">When the exporter read the descriptions.</param>
internal sealed record CarDescriptions(DateTimeOffset At, IReadOnlyList<CarInfo>? Cars);

[JsonSerializable(typeof(CarDescriptions))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
internal sealed partial class BmwStateJson : JsonSerializerContext;
