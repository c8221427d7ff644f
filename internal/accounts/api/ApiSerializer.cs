using System.Net.Http.Headers;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Refit;

namespace Exporter.Accounts;

/// <summary>Reads and writes bodies with source-generated serializers. Content-Length is always set.</summary>
internal sealed class ApiSerializer(JsonSerializerContext json) : IHttpContentSerializer
{
    public HttpContent ToHttpContent<T>(T item) =>
        new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(item, TypeOf<T>()))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
        };

    /// <exception cref="JsonException">The body is not JSON, or the JSON has another shape.</exception>
    public async Task<T?> FromHttpContentAsync<T>(HttpContent content, CancellationToken cancellationToken = default)
    {
        var body = await content.ReadAsByteArrayAsync(cancellationToken);
        // Refit keeps the body for the error only if this throws.
        return JsonSerializer.Deserialize(body.AsSpan().StartsWith("\uFEFF"u8) ? body.AsSpan(3) : body, TypeOf<T>()) is { } value
            ? value
            : throw new JsonException("the JSON has another shape");
    }

    public string? GetFieldNameForProperty(PropertyInfo propertyInfo) => null;

    private JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)json.GetTypeInfo(typeof(T))!;
}

/// <summary>Reads a response from its JSON with <see cref="Json"/>, so that an unexpected member affects nothing else.</summary>
public abstract class ElementConverter<T> : JsonConverter<T>
{
    public override bool HandleNull => true;

    /// <summary>The value; null if the JSON has another shape.</summary>
    protected abstract T? From(JsonElement json);

    public sealed override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        From(JsonElement.ParseValue(ref reader));

    public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Responses are only read.");
}
