using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Exporter.Sandbox;

/// <summary>How an API authenticates its requests.</summary>
internal enum RecipeAuthKind
{
    [JsonStringEnumMemberName("oauth2")]
    OAuth2,

    [JsonStringEnumMemberName("api_key")]
    ApiKey,

    [JsonStringEnumMemberName("basic")]
    Basic,

    [JsonStringEnumMemberName("none")]
    None,
}

/// <param name="Header">The header of the API key. With <c>oauth2</c>, the API needs the key too.</param>
internal sealed record RecipeAuth(RecipeAuthKind Kind, string? Header = null);

internal sealed record RecipeToken(string? Nested = null, IReadOnlyDictionary<string, string>? Parameters = null, char ScopeSeparator = ' ');

/// <summary>The client that the API has registered. Without a secret, it is public.</summary>
internal sealed record RecipeClient(string Id, string? Secret = null);

/// <summary>A request, which must be the same in every part, and its saved answer.</summary>
/// <param name="Path">The path below the recipe's, without percent-encoding.</param>
/// <param name="Json">The body of the request as JSON.</param>
/// <param name="Answer">The name of the file with the body of the response.</param>
internal sealed record RecipeExchange(
    string Path, string Method = "GET", IReadOnlyDictionary<string, string>? Query = null, IReadOnlyDictionary<string, string>? Form = null,
    JsonNode? Json = null, int Status = 200, IReadOnlyDictionary<string, string>? Headers = null, string? Answer = null)
{
    public bool IsSameRequest(RecipeExchange other) =>
        (Path, Method) == (other.Path, other.Method)
        && IsSame(Query, other.Query) && IsSame(Form, other.Form) && JsonNode.DeepEquals(Json, other.Json);

    private static bool IsSame(IReadOnlyDictionary<string, string>? one, IReadOnlyDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0)
        && (one is null || other is null || one.All(pair => other.TryGetValue(pair.Key, out var value) && value == pair.Value));
}

internal sealed record RecipeFile(
    IReadOnlyList<RecipeExchange> Exchanges, RecipeAuth? Auth = null, RecipeToken? Token = null, RecipeClient? Client = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RecipeFile))]
internal sealed partial class RecipeJson : JsonSerializerContext;

/// <summary>The saved answers of one API. Immutable.</summary>
public sealed partial class HttpRecipe
{
    private const string FileName = "api.json";

    /// <summary>First parts of the paths of other stand-ins.</summary>
    private static readonly string[] Reserved = ["api", "depot", "sandbox", "v1"];

    private readonly Dictionary<RecipeExchange, byte[]> answers;

    private HttpRecipe(string name, RecipeFile file, Dictionary<RecipeExchange, byte[]> answers) =>
        (Name, File, this.answers) = (name, file, answers);

    /// <summary>The name of its directory, and the first part of its paths.</summary>
    public string Name { get; }

    internal RecipeFile File { get; }

    /// <summary>Reads every subdirectory.</summary>
    /// <exception cref="InvalidDataException">A file is missing or invalid. The message starts with the directory.</exception>
    public static IReadOnlyList<HttpRecipe> ReadAll(string directory)
    {
        try
        {
            HttpRecipe[] recipes =
                [.. Directory.GetDirectories(directory).Order(StringComparer.Ordinal).Select(recipe => Read(recipe))];
            return recipes.Length > 0 ? recipes : throw new InvalidDataException("it has no subdirectory with a recipe.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{directory}: {error.Message}", error);
        }
    }

    /// <summary>The exchange with this request and the body of its answer; null if there is none.</summary>
    internal (RecipeExchange Exchange, byte[] Answer)? Find(RecipeExchange request) =>
        File.Exchanges.FirstOrDefault(exchange => exchange.IsSameRequest(request)) is { } found ? (found, answers[found]) : null;

    private static HttpRecipe Read(string directory)
    {
        var name = Path.GetFileName(directory);
        if (!Names().IsMatch(name) || Reserved.Contains(name))
        {
            throw new InvalidDataException($"the name {name} is not usable. Use a-z, 0-9 and -, and none of: {string.Join(", ", Reserved)}.");
        }
        var file = Parse(Path.Combine(directory, FileName), $"{name}/{FileName}");
        var answers = new Dictionary<RecipeExchange, byte[]>(ReferenceEqualityComparer.Instance);
        foreach (var (index, exchange) in file.Exchanges.Index())
        {
            if (Problem(exchange, directory) is { } problem)
            {
                throw new InvalidDataException($"{name}/{FileName}: exchange {index + 1}: {problem}");
            }
            if (answers.Keys.Any(exchange.IsSameRequest))
            {
                throw new InvalidDataException($"{name}/{FileName}: exchange {index + 1}: an earlier exchange has the same request.");
            }
            answers[exchange] = exchange.Answer is { } answer ? System.IO.File.ReadAllBytes(Path.Combine(directory, answer)) : [];
        }
        return new HttpRecipe(name, file, answers);
    }

    private static RecipeFile Parse(string path, string shown)
    {
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(path), RecipeJson.Default.RecipeFile)
                ?? throw new InvalidDataException($"{shown} is null.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{shown}: {error.Message}", error);
        }
    }

    private static string? Problem(RecipeExchange exchange, string directory) => exchange switch
    {
        { Path: not ['/', ..] } => "path must start with /.",
        { Path: var path } when path == "/oauth" || path.StartsWith("/oauth/", StringComparison.Ordinal) => "the sandbox itself serves /oauth.",
        { Method: not ("GET" or "POST") } => "method must be GET or POST.",
        { Method: "GET", Form: not null } or { Method: "GET", Json: not null } => "a GET has neither a form nor json.",
        { Form: not null, Json: not null } => "a request has a form or json, not both.",
        { Status: not (>= 200 and <= 599) } => "status must be from 200 to 599.",
        { Headers: { } headers } when !headers.All(header => HeaderName().IsMatch(header.Key) && HeaderValue().IsMatch(header.Value)) =>
            "a header must be one line of ASCII, and its name a token.",
        { Answer: { } answer } when answer != Path.GetFileName(answer) || !System.IO.File.Exists(Path.Combine(directory, answer)) =>
            $"there is no file {answer} beside it.",
        _ => null,
    };

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]*\z")]
    private static partial Regex Names();

    /// <summary>RFC 9110 section 5.6.2.</summary>
    [GeneratedRegex(@"^[\w!#$%&'*+.^`|~-]+\z", RegexOptions.ECMAScript)]
    private static partial Regex HeaderName();

    [GeneratedRegex(@"^[ -~]*\z")]
    private static partial Regex HeaderValue();
}
