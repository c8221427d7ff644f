using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>Writes JSON.</summary>
internal static class JsonText
{
    /// <summary>For files and terminals: indented, and with characters that only HTML needs to escape.</summary>
    public static readonly JsonWriterOptions ForPeople = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(Action<Utf8JsonWriter> write, JsonWriterOptions options = default)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            write(writer);
        }
        return buffer.WrittenSpan.ToArray();
    }
}
