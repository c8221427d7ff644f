namespace Exporter.Webex;

/// <summary>Counts calls: Webex limits them by app, organization and endpoint, and publishes no limits.</summary>
internal sealed class WebexCalls(AccountContext context) : ApiCalls(context, "webex", "Webex")
{
    private static readonly double[] Bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

    protected override string OperationOf(HttpRequestMessage request) => GetOperation(request);

    protected override void Count(string operation, string code, TimeSpan took, TimeSpan? retryAfter)
    {
        base.Count(operation, code, took, retryAfter);
        Histogram("webex_api_request_duration_seconds",
            "Time until the response headers from Webex's API, by operation. As of the last poll.",
            Bounds, ("operation", operation)).Observe(took.TotalSeconds);
        Counter("webex_api_rate_limited_total",
            "Calls that Webex answered with 429 or 423, by operation. As of the last poll.", ("operation", operation))
            .Inc(code is "429" or "423" ? 1 : 0);
        if (retryAfter is { } wait)
        {
            Gauge("webex_api_retry_after_seconds", "The last wait that Webex requested with Retry-After.").Set(wait.TotalSeconds);
        }
    }

    /// <summary>One of a fixed set, because the operation is a label.</summary>
    public static string GetOperation(HttpRequestMessage request) => (request.Method.Method, PathSegments(request.RequestUri)) switch
    {
        ("POST", ["access_token"]) => "access_token",
        ("POST", ["applications", _, "token"]) => "application_token",
        ("GET", ["people", "me"]) => "people_me",
        ("GET", ["authorizations", "tokenExpiry"]) => "token_expiry",
        ("GET", ["dataSources"]) => "list_data_sources",
        ("POST", ["dataSources"]) => "register_data_source",
        ("GET", ["dataSources", "schemas", ..]) => "schemas",
        ("GET", ["dataSources", _]) => "get_data_source",
        ("PUT", ["dataSources", _]) => "update_data_source",
        ("DELETE", ["dataSources", _]) => "delete_data_source",
        _ => "other",
    };

    /// <summary>The path after <c>/v1/</c>; a proxy or stand-in can have a path before it.</summary>
    private static string[] PathSegments(Uri? address)
    {
        var segments = address?.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return segments[(Array.LastIndexOf(segments, "v1") + 1)..];
    }
}
