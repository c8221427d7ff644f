namespace Exporter.Webex;

/// <summary>Webex limits calls by app, organization and endpoint, and publishes no numbers: so they are counted.</summary>
internal static class WebexOperations
{
    /// <summary>Known operations only: a label has few values, whatever is asked for.</summary>
    public static string Of(HttpRequestMessage request) => (request.Method.Method, Parts(request.RequestUri)) switch
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
