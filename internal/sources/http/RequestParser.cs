namespace Exporter.Http;

/// <summary>Reads the requests of a module, each of which may use the answers of those before it.</summary>
/// <param name="interval">Of requests that have none.</param>
internal sealed class RequestParser(ModuleText text, TimeSpan interval)
{
    private readonly List<ModuleRequest> requests = [];

    public IReadOnlyList<ModuleRequest> Parse(IEnumerable<YamlEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (requests.Any(request => request.Name == entry.Key) || entry.Key is "answer" or "status" or "body" or "headers")
            {
                text.Problems.Add(entry, $"${entry.Key} is already the name of something else; rename the request");
            }
            else
            {
                requests.Add(Request(entry));
            }
        }
        text.Requests = requests;
        return requests;
    }

    /// <summary>A request with a mistake is incomplete, so that formulas that use its name are no mistakes too.</summary>
    private ModuleRequest Request(YamlEntry entry)
    {
        var value = entry.Value;
        text.Requests = requests;
        var loops = text.Loops(value.Entries("for"), NamesWithin, requests.Select(request => request.Name).Append("answer"));
        var names = NamesWithin([.. loops.Select(loop => loop.Name)]);
        var (get, post) = (value.Find("get"), value.Find("post"));
        if (get is null == post is null)
        {
            text.Problems.Add(entry, $"{entry.Key} needs either get: or post: with a path");
        }
        var path = text.Template(get ?? post, names, mayBeSecret: false);
        var (form, json) = (value.FindEntry("form"), value.FindEntry("json"));
        if ((form ?? json) is { } body && (post is null || (form is not null && json is not null)))
        {
            text.Problems.Add(body, "a body needs post: and is either a form or JSON; remove one of the two");
        }
        var own = names.Append("answer").ToList();
        var request = new ModuleRequest(
            entry.Key,
            post is null ? HttpMethod.Get : HttpMethod.Post,
            path ?? new Template([]),
            loops,
            text.Templates(value.Entries("query"), names),
            text.Templates(value.Entries("form"), names),
            json is null ? null : Body(json.Value, names),
            text.Templates(value.Entries("headers"), names),
            text.Duration(value.Find("interval"), TimeSpan.FromSeconds(1)) ?? interval,
            value.Number("at_most") ?? 10,
            text.Formula(value.Find("items"), own),
            Pages(value.FindEntry("pages"), own),
            value.Flag("optional"),
            text.Duration(value.Find("keep"), TimeSpan.Zero) ?? TimeSpan.Zero,
            ErrorTable.Read(value.Entries("errors"), text));
        Check(entry, request);
        return request;
    }

    private void Check(YamlEntry entry, ModuleRequest request)
    {
        var value = entry.Value;
        if (value.FindEntry("at_most") is { } most && request.Loops.Count == 0)
        {
            text.Problems.Add(most, "at_most limits the loops of for:, and this request has none; remove it");
        }
        if (value.FindEntry("keep") is { } keep && !request.IsOptional)
        {
            text.Problems.Add(keep, "keep works only for an optional request; add optional: true");
        }
        if (value.FindEntry("pages") is { } pages && value.Find("items") is null)
        {
            text.Problems.Add(pages, "the items of all pages are put together; add items: with the list in an answer");
        }
    }

    private ModulePages? Pages(YamlEntry? entry, IReadOnlyCollection<string> names)
    {
        if (entry is null)
        {
            return null;
        }
        var value = entry.Value;
        string[] ways = ["next", "link", "query", "form"];
        if (ways.Count(way => value.Find(way) is not null) != 1)
        {
            text.Problems.Add(entry, $"say how to request the next page, with one of {string.Join(", ", ways)}");
        }
        return new ModulePages(
            text.Formula(value.Find("next"), names),
            value.Text("link"),
            text.Formulas(value.Entries("query"), names),
            text.Formulas(value.Entries("form"), names),
            text.Formula(value.Find("while"), names),
            value.Number("at_most") ?? 1);
    }

    private JsonTemplate? Body(YamlValue value, IReadOnlyCollection<string> names)
    {
        switch (value)
        {
            case YamlValue.Map map:
                return new JsonTemplate.Members([.. map.Entries.Select(entry => new JsonTemplateMember(entry.Key, Body(entry.Value, names)!))]);
            case YamlValue.List list:
                return new JsonTemplate.Items([.. list.Items.Select(item => Body(item, names)!)]);
            case YamlValue.Scalar { Text: null }:
                return new JsonTemplate.Literal("null");
            case YamlValue.Scalar { IsPlain: true, Text: { } plain } when Json.Parse(System.Text.Encoding.UTF8.GetBytes(plain)) is not null
                && (plain is "true" or "false" || FormulaValue.Number(plain) is not null):
                return new JsonTemplate.Literal(plain);
            default:
                return text.Template(value, names, mayBeSecret: true) is { } template ? new JsonTemplate.Text(template) : null;
        }
    }

    /// <summary>The names that a formula inside these loops may use: answers with one value there, and the loops' variables.</summary>
    private IReadOnlyCollection<string> NamesWithin(IReadOnlyList<string> loops) => ModuleNames.Within(requests, loops);
}

/// <summary>The names that formulas may use.</summary>
internal static class ModuleNames
{
    /// <summary>
    /// A request that is sent for each home has one answer inside a loop with the variable of its homes. Outside of that, its name has no value.
    /// </summary>
    public static IReadOnlyCollection<string> Within(IEnumerable<ModuleRequest> requests, IReadOnlyList<string> loops) =>
        [.. requests.Where(request => request.Loops.All(loop => loops.Contains(loop.Name))).Select(request => request.Name), .. loops];
}
