using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Exporter.Accounts;

/// <summary>How a source writes its readings as JSON, and reads them in another process.</summary>
/// <param name="Source">The source's name. A reading of another source is not read.</param>
/// <param name="Write">Writes one JSON value, without secrets. What is read back must give the same metrics and presentation at any time.</param>
/// <param name="Read">Null or an exception for JSON that is no reading.</param>
public sealed record ReadingFormat<T>(string Source, Action<Utf8JsonWriter, T> Write, Func<JsonElement, T?> Read) where T : class
{
    /// <summary>Null if a poll needs nothing of earlier polls.</summary>
    public PollMemory? Memory { get; init; }
}

/// <summary>What the polls of a source remember besides the reading: answers that are not due again, and what was logged.</summary>
/// <param name="Write">Writes one JSON value.</param>
/// <param name="Read">Replaces what the source remembers. An exception for JSON that it cannot use, and then nothing changes.</param>
public sealed record PollMemory(Action<Utf8JsonWriter> Write, Action<JsonElement> Read);

/// <summary>Formats of types that <see cref="JsonSerializer"/> writes.</summary>
public static class ReadingFormat
{
    /// <param name="type">The type, which is written without indentation.</param>
    public static ReadingFormat<T> Of<T>(string source, JsonTypeInfo<T> type) where T : class =>
        new(source, (writer, reading) => JsonSerializer.Serialize(writer, reading, type), json => json.Deserialize(type));

    /// <summary>The items of a list that was read. Unlike its other nulls, <see cref="JsonSerializer"/> accepts a null as an item.</summary>
    /// <exception cref="JsonException">An item is null.</exception>
    public static IReadOnlyList<T> WithoutNull<T>(IReadOnlyList<T> items) where T : class =>
        items.All(item => item is not null) ? items : throw new JsonException("An item is null.");
}
