using System.Text;

namespace Exporter.Http;

/// <summary>One HTTP request of a module, with all its values.</summary>
/// <param name="Query">Parameters that are added to the address.</param>
/// <param name="Form">Null if the body is not a form.</param>
/// <param name="Json">Null if the body is not JSON.</param>
internal sealed record HttpCall(
    HttpMethod Method,
    Uri Address,
    IReadOnlyList<KeyValuePair<string, string>> Query,
    IReadOnlyList<KeyValuePair<string, string>>? Form,
    byte[]? Json,
    IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    /// <summary>With the query.</summary>
    public Uri FullAddress => Query.Count == 0 ? Address : new Uri(Address.AbsoluteUri + (Address.Query.Length > 0 ? "&" : "?")
        + string.Join('&', Query.Select(parameter => $"{Uri.EscapeDataString(parameter.Key)}={Uri.EscapeDataString(parameter.Value)}")));

    /// <summary>Equal for calls that read the same. It contains secrets.</summary>
    public string Identity => $"{Method} {FullAddress.AbsoluteUri}\n{Body}\n{string.Join('\n', Headers)}";

    /// <summary>The body as text; empty without a body.</summary>
    public string Body => Form is not null
        ? string.Join('&', Form.Select(one => $"{Uri.EscapeDataString(one.Key)}={Uri.EscapeDataString(one.Value)}"))
        : Json is null ? "" : Encoding.UTF8.GetString(Json);

    /// <summary>The call of a request inside its loops, or why there is none.</summary>
    public static Result<HttpCall, string> Of(Module module, ModuleRequest request, FormulaScope scope)
    {
        if (request.Path.Fill(scope, Uri.EscapeDataString) is not { } path)
        {
            return new(null, $"{request.Name} is not requested, because a value in its path is absent ({request.Path})");
        }
        var absolute = path.StartsWith("https://", StringComparison.Ordinal) || path.StartsWith("http://", StringComparison.Ordinal);
        if (!Uri.TryCreate(absolute ? path : $"{module.Api.AbsoluteUri.TrimEnd('/')}/{path.TrimStart('/')}", UriKind.Absolute, out var address))
        {
            return new(null, $"{request.Name} is not requested, because its address is invalid");
        }
        var form = request.Form.Count > 0 ? Filled(request.Form, scope) : null;
        var headers = Filled([.. module.Headers.Where(one => request.Headers.All(own => !Same(own.Name, one.Name))), .. request.Headers], scope);
        var json = request.Body is { } body ? JsonText.Write(writer => body.Write(writer, scope)) : null;
        return new HttpCall(request.Method, address, Filled(request.Query, scope), form, json, headers);
    }

    /// <summary>The call for the next page; null after the last one.</summary>
    /// <param name="scope">Contains the answer as <c>$answer</c>.</param>
    public HttpCall? Next(ModulePages pages, FormulaScope scope, HttpResponseMessage response)
    {
        if (pages.While?.IsTrue(scope) == false)
        {
            return null;
        }
        if (pages.Query.Count + pages.Form.Count > 0)
        {
            var (query, form) = (Values(pages.Query, scope), Values(pages.Form, scope));
            return query is null || form is null ? null
                : this with { Query = Replaced(Query, query), Form = form.Count == 0 ? Form : Replaced(Form ?? [], form) };
        }
        var next = pages.Link is { } relation ? LinkHeader.Find(response, relation) : pages.Next?.EvaluateText(scope);
        // The address contains the query.
        return !string.IsNullOrEmpty(next) && Uri.TryCreate(FullAddress, next, out var address) ? this with { Address = address, Query = [] } : null;
    }

    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(Method, FullAddress);
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        if (Form is not null)
        {
            message.Content = new FormUrlEncodedContent(Form);
        }
        else if (Json is not null)
        {
            message.Content = new ByteArrayContent(Json) { Headers = { ContentType = new("application/json") } };
        }
        foreach (var (name, value) in Headers)
        {
            message.Headers.Remove(name);
            if (!message.Headers.TryAddWithoutValidation(name, value) && message.Content is { } content)
            {
                content.Headers.Remove(name);
                content.Headers.TryAddWithoutValidation(name, value);
            }
        }
        return message;
    }

    /// <summary>Without the parameters whose value is absent. A value has no line breaks, so that it cannot add a header.</summary>
    private static IReadOnlyList<KeyValuePair<string, string>> Filled(IReadOnlyList<ModuleParameter> templates, FormulaScope scope) =>
        [.. from template in templates
            let value = template.Value.Fill(scope, text => Sanitize.Line(text, FormulaSteps.LongestText))
            where value is not null
            select KeyValuePair.Create(template.Name, value)];

    private static List<KeyValuePair<string, string>>? Values(IReadOnlyList<PageParameter> formulas, FormulaScope scope)
    {
        var values = formulas.Select(formula => KeyValuePair.Create(formula.Name, formula.Value.EvaluateText(scope)!)).ToList();
        return values.All(value => value.Value is not null) ? values : null;
    }

    private static IReadOnlyList<KeyValuePair<string, string>> Replaced(
        IReadOnlyList<KeyValuePair<string, string>> all, List<KeyValuePair<string, string>> replaced) =>
        [.. all.Where(one => replaced.All(other => other.Key != one.Key)), .. replaced];

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
}

/// <summary>The Link header (RFC 8288).</summary>
internal static class LinkHeader
{
    public const string Name = "Link";

    /// <summary>The target of the first link with a relation; null if there is none.</summary>
    public static string? Find(HttpResponseMessage response, string relation)
    {
        var header = response.Headers.TryGetValues(Name, out var values) ? string.Join(',', values) : "";
        // A target is in angle brackets, and may contain commas.
        foreach (var link in header.Split('<').Skip(1))
        {
            var end = link.IndexOf('>', StringComparison.Ordinal);
            if (end > 0 && link[(end + 1)..].Split(';').Any(parameter => IsRelation(parameter, relation)))
            {
                return link[..end];
            }
        }
        return null;
    }

    private static bool IsRelation(string parameter, string relation)
    {
        string[] parts = parameter.Split('=', 2, StringSplitOptions.TrimEntries);
        return parts is ["rel", var value]
            && value.TrimEnd(',', ' ').Trim('"').Split(' ').Contains(relation, StringComparer.OrdinalIgnoreCase);
    }
}
