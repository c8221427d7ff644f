using System.Text.Json;
using System.Text.RegularExpressions;

namespace Exporter.Http;

/// <summary>Saves the answers of an API to files, without secrets. Not thread-safe.</summary>
/// <param name="secrets">Texts that no file may contain.</param>
internal sealed partial class Recording(IModuleApi api, string directory, IReadOnlyList<string> secrets) : IModuleApi
{
    /// <summary>Lists what was requested.</summary>
    public const string IndexFile = "api.json";

    private const string Struck = "<secret>";

    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly List<Exchange> exchanges = [];

    /// <summary>The names of the files so far.</summary>
    public IReadOnlyList<string> Files => [.. exchanges.Select(exchange => exchange.File)];

    /// <exception cref="IOException">A file cannot be written.</exception>
    public async Task<Result<HttpAnswer, ApiFailure>> SendAsync(ModuleRequest request, HttpCall call, CancellationToken cancellationToken)
    {
        var result = await api.SendAsync(request, call, cancellationToken);
        if (result.Value is { Body: { } body } answer)
        {
            var number = numbers[request.Name] = numbers.GetValueOrDefault(request.Name) + 1;
            var file = number == 1 ? $"{request.Name}.json" : $"{request.Name}-{number}.json";
            Save(file, writer => Write(writer, body, name: null));
            var link = answer.Message.Headers.TryGetValues(LinkHeader.Name, out var links) ? string.Join(", ", links) : null;
            exchanges.Add(new Exchange(call, (int)answer.Message.StatusCode, link, file));
        }
        return result;
    }

    /// <summary>Writes the list of what was requested.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete() => Save(IndexFile, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("exchanges");
        foreach (var (call, status, link, file) in exchanges)
        {
            writer.WriteStartObject();
            writer.WriteString("method", call.Method.Method);
            writer.WriteString("path", Strike(call.Address.AbsolutePath));
            WriteParameters(writer, "query", call.Query);
            WriteParameters(writer, "form", call.Form ?? []);
            writer.WriteNumber("status", status);
            if (link is not null)
            {
                writer.WriteStartObject("headers");
                writer.WriteString(LinkHeader.Name, Strike(link));
                writer.WriteEndObject();
            }
            writer.WriteString("answer", file);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private void Save(string file, Action<Utf8JsonWriter> write)
    {
        var target = Path.GetFullPath(directory);
        PrivateDirectory.Create(target);
        AtomicFile.Replace(Path.Combine(target, file), [.. JsonText.Write(write, JsonText.ForPeople), (byte)'\n']);
    }

    private void WriteParameters(Utf8JsonWriter writer, string name, IReadOnlyList<KeyValuePair<string, string>> parameters)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in parameters)
        {
            writer.WriteString(key, SecretName().IsMatch(key) ? Struck : Strike(value));
        }
        writer.WriteEndObject();
    }

    private void Write(Utf8JsonWriter writer, JsonElement json, string? name)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in json.EnumerateObject())
                {
                    var key = Json.Name(member) ?? "";
                    writer.WritePropertyName(key);
                    Write(writer, member.Value, key);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in json.EnumerateArray())
                {
                    Write(writer, item, name);
                }
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(name is not null && SecretName().IsMatch(name) ? Struck : Strike(Json.Text(json) ?? ""));
                break;
            default:
                json.WriteTo(writer);
                break;
        }
    }

    private string Strike(string text) => JsonWebToken().Replace(Sanitize.Redact(text, secrets), Struck);

    [GeneratedRegex("token|secret|passw|api_?key|authorization|cookie|session|signature|e-?mail", RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();

    [GeneratedRegex(@"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")]
    private static partial Regex JsonWebToken();

    /// <param name="Link">The Link header (RFC 8288), which may name the next page; null if there is none.</param>
    private sealed record Exchange(HttpCall Call, int Status, string? Link, string File);
}
