using static Exporter.Http.ModuleShape;

namespace Exporter.Http;

/// <summary>The keys of a module file.</summary>
internal static class ModuleSchema
{
    public static readonly IReadOnlyList<string> Types = ["gauge", "counter", "info", "stateset"];

    private const int MostCalls = 1000;

    private static readonly FormulaText AFormula = new();
    private static readonly Text ATemplate = new("a text; it may contain settings as ${name} and formulas as {formula}");
    private static readonly MapOf Templates = new("names and texts", ATemplate);
    private static readonly MapOf Formulas = new("names and formulas", AFormula);

    private static readonly MapOf Errors = new(
        $"errors ({string.Join(", ", ErrorTable.KindNames)}) and formulas",
        new Either(AFormula, new(
            "an error",
            new("when", AFormula, "Whether an answer is this error.", IsRequired: true),
            new("wait", AFormula, "The seconds to wait before the next request."))));

    private static readonly Members Setting = new("a setting",
        new("help", new Text("one sentence"), "What the setting is.", IsRequired: true),
        new("default", new Text("a value"), "The value if the account has none. Without a default, the setting is required."),
        new("choices", new ListOf(new Text("a value")), "The values that are allowed."),
        new("secret", new Flag(), "Whether the value is secret: it may be in headers, query, form and JSON only."));

    private static readonly Members Pages = new("pages",
        new("next", AFormula, "The address of the next page; absent on the last one."),
        new("link", new Text("a relation, usually next"), "The relation of a Link header (RFC 8288) that contains the address of the next page."),
        new("query", Formulas, "Query parameters of the next page; if one is absent, this was the last page."),
        new("form", Formulas, "Form fields of the next page; if one is absent, this was the last page."),
        new("while", AFormula, "Whether there is another page."),
        new("at_most", new Number(1, MostCalls), "The largest number of pages.", IsRequired: true));

    private static readonly Members Request = new("a request",
        new("get", ATemplate, "The path or address to read with GET."),
        new("post", ATemplate, "The path or address to read with POST. The exporter never repeats a POST request."),
        new("for", new MapOf("variables and lists", AFormula), "Loops: one request for each combination of their items."),
        new("at_most", new Number(1, MostCalls), "The largest number of combinations; the default is 10."),
        new("query", Templates, "Query parameters."),
        new("form", Templates, "Fields of a form as the body."),
        new("json", new ModuleShape.Json(), "JSON as the body."),
        new("headers", Templates, "Headers of this request."),
        new("items", AFormula, "What counts of the answer. @ is the answer."),
        new("pages", Pages, "How to request the next page."),
        new("interval", new Duration(), "Time between two of these requests; the default is the module's."),
        new("optional", new Flag(), "Whether the reading succeeds if this request fails."),
        new("keep", new Duration(), "How long the last answer counts while an optional request fails."),
        new("errors", Errors, "Errors of this request; they come before the module's."),
        new("documentation", new Text("an address and a date"), "The provider's page that describes the request, and when you read it."));

    private static readonly Either Label = new(AFormula, new("a label",
        new("value", AFormula, "The label's value.", IsRequired: true),
        new("map", new MapOf("values and texts", new Text("a text")), "The text for each value. Other values give no label.")));

    private static readonly Members Show = new("show",
        new("as", new Text("a short noun phrase"), "The value's name for people."),
        new("unit", new Text("a symbol"), "The unit for people, such as °C."),
        new("times", new Text("a number"), "What to multiply the value by, such as 100 for percent."),
        new("decimals", new Number(0, 9), "The number of decimals."),
        new("plot", new Flag(), "Whether the page plots the last 24 hours."),
        new("detail", new Flag(), "Whether the value is shown only with the details."),
        new("hidden", new Flag(), "Whether the page omits the value."));

    private static readonly Members Metric = new("a metric",
        new("value", AFormula, "The value: a number, or the text for map and states."),
        new("help", new Text("one sentence"), "The help text.", IsRequired: true),
        new("type", new Choice(Types), "The default follows from the name: counter for _total, info for _info, otherwise gauge."),
        new("map", new MapOf("texts and numbers", new Text("a number")), "The number for each text. Other texts give no series."),
        new("states", new ListOf(new Text("a state")), "The states of a state set. Other states give no series."),
        new("labels", new MapOf("labels and formulas", Label), "Labels of this metric, in addition to those of the group."),
        new("where", AFormula, "Whether there is a series."),
        new("show", Show, "How the page shows the value."));

    private static readonly Members Group = new("a group of series",
        new("from", new Text("the name of a request"), "The request whose answers give the series.", IsRequired: true),
        new("for", new MapOf("variables and lists", AFormula), "Loops: series for each combination of their items."),
        new("where", AFormula, "Whether there are series."),
        new("time", AFormula, "When the values were measured, in Unix seconds."),
        new("stale", new Duration(), "The age at which the series are omitted."),
        new("duplicates", new Choice("first"), "The first series with the same labels is intended to count; without it, the others are reported."),
        new("labels", new MapOf("labels and formulas", Label), "Labels of all metrics of the group."),
        new("metrics", new MapOf("names and metrics", Metric), "The metrics by name.", IsRequired: true));

    /// <summary>The account's own settings and their names decide what may be below it.</summary>
    public static readonly ModuleKey OAuth = new(
        "oauth", new ModuleShape.Json(), "Settings of the source oauth2, as defaults for the account's own.");

    /// <summary>The whole file.</summary>
    public static Members File { get; } = new("a module",
        new("module", new Text("a name"), "The prefix of every metric.", IsRequired: true),
        new("about", new Text("one sentence"), "What the module reads.", IsRequired: true),
        new("verified", new Flag(), "Whether the module was compared with the real API; check warns if it was not."),
        new("settings", new MapOf("names and settings", Setting), "What the account fills in below settings:."),
        new("api", ATemplate, "The base address of the API. Requests go to its origin only.", IsRequired: true),
        new("hosts", new ListOf(ATemplate), "Other hosts that requests may go to, such as those of the next page."),
        new("auth", new Choice("oauth2", "api_key", "basic", "none"),
            "How the API accepts a request; the default is oauth2 with oauth:, otherwise none."),
        OAuth,
        new("headers", Templates, "Headers of every request."),
        new("interval", new Duration(), "Time between two readings; the default is 10m."),
        new("budget", new ListOf(new Text("NUMBER per DURATION")), "The largest number of requests in a time, recorded before each request is sent."),
        new("budget_of", new Choice("account", "client"),
            "Whose requests the API counts: an account's, which is the default, or those of all accounts of a shared store with the same client ID."),
        new("max_response", new Text("a size, such as 8MiB"), "The largest answer; the default is 2MiB, and the maximum 16MiB."),
        new("errors", Errors, "What answers mean an error, over $status, $body and $headers. By default the status decides."),
        new("requests", new MapOf("names and requests", Request), "The requests, in order.", IsRequired: true),
        new("series", new ListOf(Group), "The series.", IsRequired: true));
}
