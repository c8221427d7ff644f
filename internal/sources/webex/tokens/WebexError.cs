using System.Net;
using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>What Webex's refusals mean. Their bodies are <c>{"message","trackingId"}</c>, at the token endpoint too, where RFC 6749 has another shape.</summary>
internal static class WebexError
{
    public static ErrorMembers Named { get; } = new(Description: "message", Reference: "trackingId");

    /// <summary>
    /// For <c>/v1/access_token</c>, where a dead refresh token was seen to be answered with 400 and with 401: these two are for good if
    /// they say what they mean. A level must not be given up because of a refusal that nobody understands.
    /// </summary>
    public static Renewal Classify(TokenError error) => ((int)error.Status, error.Error) switch
    {
        (423 or 429, _) => Limited(error),
        (400 or 401, not null) => error.Classify(),
        (400 or 401, _) => Meant(error),
        _ => error.Classify(),
    };

    /// <summary>The same for the code of a login.</summary>
    public static Renewal ClassifyLogin(TokenError error) => Classify(error) is Renewal.InvalidGrant ? new Renewal.InvalidGrant(error.Describe("Webex does not accept the code; begin again")) : Classify(error);

    /// <summary>429 is for this client; 423 for what it asks of, and may bring Retry-After as well.</summary>
    public static Renewal Limited(TokenError error) => new Renewal.Transient(FailureKind.RateLimited, error.Describe("Webex asks for patience"), error.RetryAfter);

    /// <summary>The message, its details where they say more, and the id by which Webex's support finds the call.</summary>
    /// <param name="body">The answer's JSON; null if it is none.</param>
    /// <param name="trackingIds">The header of that name.</param>
    /// <param name="secrets">What is not to be repeated, should the answer hold it.</param>
    public static string Says(HttpStatusCode status, JsonElement? body, IEnumerable<string>? trackingIds, params IReadOnlyList<Secret?> secrets)
    {
        var members = body is { } element ? Members(element) : null;
        var message = members?.Text("message");
        // Safe to look up, once all names are known to be text.
        var details = members is not null && body!.Value.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array
            ? errors.EnumerateArray().Select(Members).Select(e => e?.Text("description")).OfType<string>().Where(d => d != message)
            : [];
        var id = members?.Text("trackingId") ?? trackingIds?.FirstOrDefault();
        var text = string.Join("; ", details.Prepend(message).OfType<string>());
        foreach (var secret in secrets.OfType<Secret>())
        {
            (text, id) = (text.Replace(secret.Reveal(), "<secret>", StringComparison.Ordinal), id?.Replace(secret.Reveal(), "<secret>", StringComparison.Ordinal));
        }
        var quoted = Sanitize.Line(text).Trim() is { Length: > 0 } line ? $"\"{line}\" " : "";
        return $"{quoted}(HTTP {(int)status}{(id is null ? "" : $", trackingId {Sanitize.Line(id)}")})";
    }

    /// <summary>Null when it is no object, or holds names that are no Unicode.</summary>
    public static JsonMembers? Members(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object ? JsonMembers.From(element) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static bool IsLimited(HttpStatusCode status) => (int)status is 423 or 429;

    private static Renewal Meant(TokenError error)
    {
        bool Has(string word) => error.Description?.Contains(word, StringComparison.OrdinalIgnoreCase) == true;

        return Has("invalid_grant") || Has("refresh token") || Has("refresh_token") || ((Has("token") || Has("grant") || Has("code")) && (Has("invalid") || Has("expired") || Has("revoked")))
            ? new Renewal.InvalidGrant(error.Describe("the refresh token is no longer accepted"))
            : Has("client")
                ? new Renewal.InvalidClient(error.Describe("the client id or the client secret is not accepted"))
                : new Renewal.Transient(FailureKind.MalformedAnswer, error.Describe("Webex refuses, and does not say what"), error.RetryAfter);
    }
}
