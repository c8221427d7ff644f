using Exporter.Accounts;

namespace Exporter.Webex;

/// <summary>Webex limits calls by app, organization and endpoint, and publishes no numbers, so they are counted.</summary>
internal sealed class WebexCalls(AccountContext context) : ApiCalls(context, "webex", "Webex")
{
    private static readonly double[] Bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

    protected override string OperationOf(HttpRequestMessage request) => NameOf(request);

    protected override void Count(string operation, string code, TimeSpan took, TimeSpan? retryAfter)
    {
        base.Count(operation, code, took, retryAfter);
        Histogram("webex_api_request_duration_seconds", "How long Webex's API took until the headers of its answer, by operation. As of the last poll.",
            Bounds, ("operation", operation)).Observe(took.TotalSeconds);
        Counter("webex_api_rate_limited_total", "Calls that Webex refused with 429 or 423, by operation. As of the last poll.", ("operation", operation))
            .Inc(code is "429" or "423" ? 1 : 0);
        if (retryAfter is { } wait)
        {
            Gauge("webex_api_retry_after_seconds", "How long Webex asked to be left alone when it last did.").Set(wait.TotalSeconds);
        }
    }

    /// <summary>Known operations only: a label has few values, whatever is asked for.</summary>
    public static string NameOf(HttpRequestMessage request) => (request.Method.Method, Parts(request.RequestUri)) switch
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

    /// <summary>The path behind <c>/v1/</c>, wherever that stands: a stand-in may have a path of its own before it.</summary>
    private static string[] Parts(Uri? address)
    {
        var parts = address?.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return parts[(Array.LastIndexOf(parts, "v1") + 1)..];
    }
}
