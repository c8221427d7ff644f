using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Exporter.Tests.Tokens;

/// <summary>A response that a token endpoint, or something in front of it, was seen to send.</summary>
/// <param name="Description">What came, for the documentation.</param>
internal sealed record OddAnswer(string Description, int Status, string Type = "", string Body = "", string? RetryAfter = null)
{
    private const string Json = "application/json";

    private const string Page = "<html><head><title>Request blocked</title></head><body>Your support ID is 1234</body></html>";

    public static IReadOnlyList<OddAnswer> All { get; } =
    [
        Error("invalid_grant"),
        Error("invalid_grant", 401),
        Error("invalid_client", 401),
        Error("unauthorized_client"),
        Error("invalid_scope"),
        Error("invalid_request"),
        Error("invalid_token", 401),
        Error("unsupported_grant_type"),
        Error("bad_refresh_token", 200),
        Error("interaction_required"),
        Error("access_denied", 403),
        Error("quota_exceeded"),
        Error("slow_down"),
        Error("rate_limit_exceeded"),
        Error("temporarily_unavailable"),
        Error("server_error"),
        Error("invalid_grant", 503),
        new("a firewall's page", 403, "text/html", Page),
        new("a proxy's request for a login", 407, "text/html", "<html><title>Proxy Authentication Required</title></html>"),
        new("a gateway's JSON", 404, Json, """{"message":"no Route matched with those values"}"""),
        new("a message that names the token", 400, Json, """{"message":"The refresh token provided is invalid","trackingId":"T1"}"""),
        new("nothing", 400),
        new("nothing", 401),
        new("nothing", 403),
        new("a redirect", 302, "text/html", "<html><title>Moved</title></html>"),
        new("a login page of a hotel's network", 200, "text/html", "<html><title>Welcome</title></html>"),
        new("nothing", 200),
        new("an empty object", 200, Json, "{}"),
        new("an array", 200, Json, "[]"),
        new("half of a response", 200, Json, """{"access_token":"half"""),
        new("an access token that is a number", 200, Json, """{"access_token":123,"token_type":"bearer"}"""),
        new("too many requests", 429, "text/html", Page, "600"),
        new("too many requests, and a code", 429, Json, """{"error":"invalid_client"}"""),
        new("a locked resource", 423, Json, """{"message":"locked"}"""),
        new("a timeout of the server", 408),
        new("a request too early", 425),
        new("a broken server", 500, Json, """{"message":"internal error"}"""),
        new("a broken gateway", 502, "text/html", "<html><title>502 Bad Gateway</title></html>"),
        new("maintenance", 503, "text/html", "<html><title>Maintenance</title></html>", "7200"),
    ];

    public HttpResponseMessage ToResponse()
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        content.Headers.ContentType = Type.Length == 0 ? null : new MediaTypeHeaderValue(Type);
        var response = new HttpResponseMessage((HttpStatusCode)Status) { Content = content };
        response.Headers.TryAddWithoutValidation("Retry-After", RetryAfter);
        return response;
    }

    private static OddAnswer Error(string code, int status = 400) => new($"`{code}`", status, Json, $$"""{"error":"{{code}}"}""");
}
