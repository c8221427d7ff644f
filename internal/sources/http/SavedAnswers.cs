using System.Globalization;
using System.Net;

namespace Exporter.Http;

/// <summary>Answers a module's requests from files, in the order of their names: <c>zones.json</c>, then <c>zones-2.json</c>.</summary>
internal sealed class SavedAnswers : IModuleApi
{
    private readonly Module module;
    private readonly TextWriter output;
    private readonly Dictionary<string, Queue<string>> files;

    private SavedAnswers(Module module, TextWriter output, Dictionary<string, Queue<string>> files) =>
        (this.module, this.output, this.files) = (module, output, files);

    /// <summary>The answers in files and directories, or why they cannot be used.</summary>
    public static Result<SavedAnswers, string> Open(Module module, IReadOnlyList<string> paths, TextWriter output)
    {
        var files = new Dictionary<string, Queue<string>>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            IEnumerable<string> found = !Directory.Exists(path) ? [path]
                : Directory.GetFiles(path, "*.json").Where(file => Path.GetFileName(file) != Recording.IndexFile).OrderBy(NumberOf)
                    .ThenBy(file => file, StringComparer.Ordinal);
            foreach (var file in found)
            {
                var request = module.Find(RequestOf(file))?.Name ?? (module.Requests is [var only] ? only.Name : null);
                if (request is null)
                {
                    return $"{file}: the module {module.Name} has no request {RequestOf(file)}; name the file after a request, "
                        + $"one of {string.Join(", ", module.Requests.Select(one => one.Name))}";
                }
                (files.TryGetValue(request, out var queue) ? queue : files[request] = new Queue<string>()).Enqueue(file);
            }
        }
        return new SavedAnswers(module, output, files);
    }

    public async Task<Result<HttpAnswer, ApiFailure>> SendAsync(ModuleRequest request, HttpCall call, CancellationToken cancellationToken)
    {
        var line = $"# {call.Method} {call.FullAddress.AbsoluteUri}{(call.Body.Length > 0 ? $" with {call.Body}" : "")}";
        if (!files.TryGetValue(request.Name, out var queue) || !queue.TryDequeue(out var file))
        {
            output.WriteLine($"{line}: no file {request.Name}*.json");
            return new ApiFailure.Unavailable($"There is no answer for the request {request.Name}; add {request.Name}.json.");
        }
        output.WriteLine($"{line}: {file}");
        try
        {
            var content = await File.ReadAllBytesAsync(file, cancellationToken);
            if (content.Length > module.LargestResponse)
            {
                return new ApiFailure.Unavailable($"{file} is larger than max_response ({module.LargestResponse >> 20} MiB).");
            }
            var body = Json.Parse(content);
            var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(content) };
            if (await LinkOfAsync(file, cancellationToken) is { } link)
            {
                response.Headers.TryAddWithoutValidation(LinkHeader.Name, link);
            }
            return request.Errors.Before(module.Errors).Classify(response, body).Kind switch
            {
                ErrorKind.None => new HttpAnswer(response, body, IsEmpty: false),
                ErrorKind.Empty => new HttpAnswer(response, body, IsEmpty: true),
                ErrorKind.Unavailable when body is null => new ApiFailure.Unavailable($"{file} is not JSON."),
                var kind => new ApiFailure.Rejected($"{file} is an error of the kind {kind} according to errors:."),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ApiFailure.Unavailable($"{file} cannot be read: {e.Message}");
        }
    }

    /// <summary>The Link header that a recording has for an answer; null if there is none.</summary>
    private static async Task<string?> LinkOfAsync(string file, CancellationToken cancellationToken)
    {
        var index = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, Recording.IndexFile);
        if (!File.Exists(index))
        {
            return null;
        }
        var exchanges = Json.Items(Json.Member(Json.Parse(await File.ReadAllBytesAsync(index, cancellationToken)), "exchanges")) ?? [];
        return exchanges.Where(exchange => Json.Text(Json.Member(exchange, "answer")) == Path.GetFileName(file))
            .Select(exchange => Json.Text(Json.Member(Json.Member(exchange, "headers"), LinkHeader.Name))).FirstOrDefault(text => text is not null);
    }

    /// <summary><c>zones</c> for <c>zones-2.json</c>.</summary>
    private static string RequestOf(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        return NumberOf(file) == 1 ? name : name[..name.LastIndexOf('-')];
    }

    private static int NumberOf(string file) =>
        Path.GetFileNameWithoutExtension(file).Split('-') is [_, .., var end]
            && int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 1;
}
