using System.Net;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>What an answer of an API means.</summary>
internal enum ErrorKind
{
    /// <summary>It is good.</summary>
    None,

    /// <summary>The API rejects the access token, so a renewal may help.</summary>
    Token,

    Scope,
    RateLimited,
    Unavailable,
    Rejected,

    /// <summary>There is nothing to read at the moment, which is no failure.</summary>
    Empty,
}

/// <param name="When">Over <c>$status</c>, <c>$body</c> and <c>$headers</c>.</param>
/// <param name="Wait">In seconds; null if the error has no time to wait.</param>
internal sealed record ErrorRule(ErrorKind Kind, Formula When, Formula? Wait);

/// <summary>Recognizes errors in answers, also in those with a success status. Immutable.</summary>
/// <param name="Rules">The first that is true counts.</param>
internal sealed record ErrorTable(IReadOnlyList<ErrorRule> Rules)
{
    private const int MostSteps = 1_000_000;

    /// <summary>The kinds that a module can recognize, by their names there.</summary>
    private static readonly NamedKind[] Kinds =
    [
        new("token", ErrorKind.Token), new("scope", ErrorKind.Scope), new("rate_limited", ErrorKind.RateLimited),
        new("unavailable", ErrorKind.Unavailable), new("rejected", ErrorKind.Rejected), new("empty", ErrorKind.Empty),
    ];

    private static readonly string[] Names = ["status", "body", "headers"];

    public static IReadOnlyList<string> KindNames { get; } = [.. Kinds.Select(kind => kind.Name)];

    public static ErrorTable Read(IEnumerable<YamlEntry> entries, ModuleText text)
    {
        var rules = new List<ErrorRule>();
        foreach (var entry in entries)
        {
            var kind = Array.Find(Kinds, kind => kind.Name == entry.Key)?.Kind ?? ErrorKind.None;
            if (kind == ErrorKind.None)
            {
                text.Problems.Add(entry, $"there is no kind of error {Sanitize.Line(entry.Key, 60)}"
                    + Nearest.Remedy(entry.Key, KindNames, $"there are {string.Join(", ", KindNames)}"));
            }
            var isMap = entry.Value is YamlValue.Map;
            if (text.Formula(isMap ? entry.Value.Find("when") : entry.Value, Names) is { } when)
            {
                rules.Add(new ErrorRule(kind, when, isMap ? text.Formula(entry.Value.Find("wait"), Names) : null));
            }
        }
        return new ErrorTable(rules);
    }

    /// <summary>The rules of both tables; those of this one first.</summary>
    public ErrorTable Before(ErrorTable other) => new([.. Rules, .. other.Rules]);

    /// <summary>Whether an answer with this status may reject the token, so that its body must be read to find out.</summary>
    public bool MayRejectToken(HttpStatusCode status) => status == HttpStatusCode.Unauthorized || Rules.Any(rule => rule.Kind == ErrorKind.Token);

    /// <summary>What an answer means, and how long to wait. Without a rule, the status decides.</summary>
    /// <exception cref="FormulaLimitException">A rule needs too many steps.</exception>
    public (ErrorKind Kind, TimeSpan? Wait) Classify(HttpResponseMessage response, JsonElement? body)
    {
        object? headers = null;
        var scope = FormulaScope.Root(FormulaValue.Of(body), (name, _) => name switch
        {
            "status" => (double)(int)response.StatusCode,
            "body" => FormulaValue.Of(body),
            _ => headers ??= FormulaValue.Of(Headers(response)),
        }, new FormulaSteps(MostSteps));
        foreach (var (kind, when, wait) in Rules)
        {
            if (when.IsTrue(scope))
            {
                var seconds = wait?.EvaluateNumber(scope);
                return (kind, seconds is > 0 and < 1e9 ? TimeSpan.FromSeconds(seconds.Value) : null);
            }
        }
        return (ByStatus(response.StatusCode, body), null);
    }

    private static ErrorKind ByStatus(HttpStatusCode status, JsonElement? body) => (int)status switch
    {
        >= 200 and < 300 => body is null && status != HttpStatusCode.NoContent ? ErrorKind.Unavailable : ErrorKind.None,
        401 => ErrorKind.Token,
        429 => ErrorKind.RateLimited,
        408 or 425 or >= 500 => ErrorKind.Unavailable,
        _ => ErrorKind.Rejected,
    };

    /// <summary>The headers as an object, with names such as <c>www_authenticate</c>. A repeated header is one text with commas.</summary>
    private static JsonElement? Headers(HttpResponseMessage response) => Json.Parse(JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            writer.WriteString(name.ToLowerInvariant().Replace('-', '_'), string.Join(", ", values));
        }
        writer.WriteEndObject();
    }));

    private sealed record NamedKind(string Name, ErrorKind Kind);
}
