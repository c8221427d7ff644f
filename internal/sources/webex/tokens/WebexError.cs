using System.Net;
using System.Text.Json;

namespace Exporter.Webex;

/// <summary>Classifies Webex's errors. Their bodies are <c>{"message","trackingId"}</c>, even at the token endpoint (unlike RFC 6749).</summary>
internal static class WebexError
{
    /// <summary>An endpoint with Webex's form of errors.</summary>
    /// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
    public static TokenEndpoint Endpoint(HttpClient http, Uri address, Func<OAuthClient?> client, TimeProvider time,
        Action<HttpRequestMessage>? prepare, Func<TokenError, Renewal> classify) =>
        new(http, address, client, time, classify, prepare: prepare) { ErrorMembers = new(Description: "message", Reference: "trackingId") };

    /// <summary>
    /// Classifies an error of <c>/v1/access_token</c>. For a rejected refresh token, Webex returns either 400 or 401. Both are permanent only
    /// if the message is known, so that an unknown error uses up no level.
    /// </summary>
    public static Renewal Classify(TokenError error) => ((int)error.Status, error.Error) switch
    {
        // 429 limits this client, 423 the resource; both can contain Retry-After.
        (423 or 429, _) => new Renewal.Transient(FailureKind.RateLimited, error.Describe("Webex limits the rate of requests"), error.RetryAfter),
        (400 or 401, null) => ClassifyMessage(error),
        _ => error.Classify(),
    };

    /// <summary>Classifies an error for the authorization code of a login.</summary>
    public static Renewal ClassifyLogin(TokenError error) => Classify(error) is var outcome && outcome is Renewal.InvalidGrant
        ? new Renewal.InvalidGrant(error.Describe("Webex rejects the authorization code; log in again"))
        : outcome;

    /// <summary>The message, further details, and the tracking ID, which Webex's support asks for.</summary>
    /// <param name="body">The response as JSON; null if it is not JSON.</param>
    /// <param name="trackingIds">The values of the header <c>Trackingid</c>.</param>
    /// <param name="secrets">Removed from the result.</param>
    public static string Describe(HttpStatusCode status, JsonElement? body, IEnumerable<string>? trackingIds, params IReadOnlyList<Secret?> secrets)
    {
        var members = JsonMembers.TryFrom(body);
        var message = members?.Text("message");
        var errors = Json.Items(Json.Member(body, "errors")) ?? [];
        var details = errors.Select(e => JsonMembers.TryFrom(e)?.Text("description")).OfType<string>().Where(d => d != message);
        var id = members?.Text("trackingId") ?? trackingIds?.FirstOrDefault();
        var text = string.Join("; ", details.Prepend(message).OfType<string>());
        var quoted = Line(text).Trim() is { Length: > 0 } line ? $"\"{line}\" " : "";
        return $"{quoted}(HTTP {(int)status}{(id is null ? "" : $", trackingId {Line(id)}")})";

        string Line(string foreign) => Sanitize.Line(Sanitize.Redact(foreign, secrets.Select(secret => secret?.Reveal())));
    }

    private static Renewal ClassifyMessage(TokenError error)
    {
        bool Has(string word) => error.Description?.Contains(word, StringComparison.OrdinalIgnoreCase) == true;

        var isGrant = Has("invalid_grant") || Has("refresh token") || Has("refresh_token")
            || ((Has("token") || Has("grant") || Has("code")) && (Has("invalid") || Has("expired") || Has("revoked")));
        return isGrant ? new Renewal.InvalidGrant(error.Describe("the refresh token is no longer accepted"))
            : Has("client") ? new Renewal.InvalidClient(error.Describe("the client id or the client secret is not accepted"))
            : new Renewal.Transient(FailureKind.MalformedAnswer, error.Describe("Webex rejects the request for an unknown reason"), error.RetryAfter);
    }
}
