namespace Exporter.Http;

/// <summary>A module: which requests to send to an API, and what its answers mean as metrics. Immutable.</summary>
/// <param name="Name">The prefix of every metric, without the underscore.</param>
/// <param name="IsVerified">Whether the module was compared with the real API.</param>
/// <param name="Api">The base address. Requests go to its origin and to <paramref name="Hosts"/> only.</param>
/// <param name="OAuth">The members of <c>oauth:</c>, with the account's settings filled in.</param>
/// <param name="LargestResponse">In bytes.</param>
internal sealed record Module(
    string Name,
    string About,
    bool IsVerified,
    Uri Api,
    IReadOnlyList<string> Hosts,
    ModuleAuth Auth,
    IReadOnlyList<YamlEntry> OAuth,
    IReadOnlyList<ModuleParameter> Headers,
    IReadOnlyList<BudgetWindow> Budget,
    int LargestResponse,
    ErrorTable Errors,
    IReadOnlyList<ModuleRequest> Requests,
    IReadOnlyList<SeriesGroup> Series)
{
    /// <summary>Between two readings: the shortest interval of all requests.</summary>
    public TimeSpan Interval => Requests.Min(request => request.Interval);

    /// <summary>Whose requests count against <see cref="Budget"/>.</summary>
    public BudgetOwner BudgetOwner { get; init; }

    /// <summary>The values of secret settings, which no message may contain.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>Equal for modules that make the same of an answer: a hash of the file and its settings.</summary>
    public required string Fingerprint { get; init; }

    public ModuleRequest? Find(string request) => Requests.FirstOrDefault(one => one.Name == request);

    /// <summary>The largest number of requests in a time, by request.</summary>
    public IReadOnlyList<RequestCount> WorstCase(TimeSpan window) =>
        [.. Requests.Select(request => new RequestCount(request, request.MostCalls * Math.Ceiling(window / request.Interval)))];
}

/// <summary>What a request contains to be accepted.</summary>
internal enum ModuleAuth
{
    /// <summary>An access token of the account's login.</summary>
    OAuth2,

    /// <summary>A secret setting in a header or in the query.</summary>
    ApiKey,

    /// <summary>The account's user name and password (RFC 7617).</summary>
    Basic,

    None,
}

/// <summary>Whose requests an API counts together, if users log in to it.</summary>
internal enum BudgetOwner
{
    Account,

    /// <summary>All accounts with the same client ID.</summary>
    Client,
}

/// <param name="Path">Below the API's base address, or an absolute address.</param>
/// <param name="Loops">One request for each combination of their items.</param>
/// <param name="AtMost">The largest number of combinations.</param>
/// <param name="Items">Selects what counts of the answer; null for the whole answer.</param>
/// <param name="IsOptional">Whether the reading succeeds without the answer.</param>
/// <param name="Keep">How long the last answer counts while an optional request fails.</param>
internal sealed record ModuleRequest(
    string Name,
    HttpMethod Method,
    Template Path,
    IReadOnlyList<FormulaLoop> Loops,
    IReadOnlyList<ModuleParameter> Query,
    IReadOnlyList<ModuleParameter> Form,
    JsonTemplate? Body,
    IReadOnlyList<ModuleParameter> Headers,
    TimeSpan Interval,
    int AtMost,
    Formula? Items,
    ModulePages? Pages,
    bool IsOptional,
    TimeSpan Keep,
    ErrorTable Errors)
{
    /// <summary>The largest number of HTTP requests for one reading.</summary>
    public int MostCalls => (Loops.Count == 0 ? 1 : AtMost) * (Pages?.AtMost ?? 1);
}

internal sealed record ModuleParameter(string Name, Template Value);

internal sealed record PageParameter(string Name, Formula Value);

/// <param name="Count">The largest number of requests in a time.</param>
internal sealed record RequestCount(ModuleRequest Request, double Count);

/// <summary>How to request the next page. One of the first four is set.</summary>
/// <param name="Next">The address of the next page.</param>
/// <param name="Link">The relation of a Link header (RFC 8288).</param>
/// <param name="While">Whether there is another page; null if the address or the parameters alone decide.</param>
internal sealed record ModulePages(
    Formula? Next,
    string? Link,
    IReadOnlyList<PageParameter> Query,
    IReadOnlyList<PageParameter> Form,
    Formula? While,
    int AtMost);

/// <summary>Metrics from the answers of one request, for each combination of the loops' items.</summary>
/// <param name="Time">When the values were measured, in Unix seconds.</param>
/// <param name="Stale">The age at which the metrics are omitted; null if they are not.</param>
/// <param name="KeepsFirst">Whether equal labels are intended: the first series counts.</param>
internal sealed record SeriesGroup(
    ModuleRequest From,
    IReadOnlyList<FormulaLoop> Loops,
    Formula? Where,
    Formula? Time,
    TimeSpan? Stale,
    bool KeepsFirst,
    IReadOnlyList<ModuleLabel> Labels,
    IReadOnlyList<ModuleMetric> Metrics);

/// <param name="Map">The label's value for each value of the formula; null for the value itself.</param>
internal sealed record ModuleLabel(string Name, Formula Value, IReadOnlyDictionary<string, string>? Map);

/// <param name="Value">Null for an info.</param>
/// <param name="Map">The number for each text; null if the value is a number.</param>
/// <param name="States">Of a state set; otherwise empty.</param>
internal sealed record ModuleMetric(
    string Name,
    string Help,
    MetricKind Kind,
    Formula? Value,
    IReadOnlyDictionary<string, double>? Map,
    IReadOnlyList<string> States,
    IReadOnlyList<ModuleLabel> Labels,
    Formula? Where,
    MetricDisplay Display);

/// <summary>How people read the metric's value.</summary>
/// <param name="Label">A short noun phrase; null hides the value.</param>
/// <param name="Factor">What the value is multiplied by.</param>
/// <param name="IsTime">Whether it is a time in Unix seconds.</param>
internal sealed record MetricDisplay(string? Label, string Unit, double Factor, int Decimals, bool IsPlotted, bool IsDetail, bool IsTime)
{
    /// <summary>No decimals for a whole number, otherwise two.</summary>
    public const int AsNeeded = -1;
}
