using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>What an answer of Webex's API means.</summary>
internal static class WebexAnswer
{
    /// <param name="read">The value of a good answer; null when it is none.</param>
    /// <param name="scope">What the request needs; null where any good token will do.</param>
    /// <param name="secrets">What is not to be repeated from an error.</param>
    public static ApiAnswer<T> Read<T>(ApiReply reply, Func<JsonElement, T?> read, string? scope, IReadOnlyList<Secret?> secrets)
        where T : class
    {
        if (reply.Status is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            return Failure<T>(reply, scope, secrets);
        }
        return Parse(reply.Body) is { } body && read(body) is { } value
            ? new ApiAnswer<T>.Success(value)
            : new ApiAnswer<T>.Failed(new ApiFailure.Unavailable($"Webex's answer is not the API's: HTTP {(int)reply.Status} with another body. Is the API's address right?"));
    }

    public static ApiAnswer<T> Failure<T>(ApiReply reply, string? scope, IReadOnlyList<Secret?> secrets)
    {
        var says = WebexError.Says(reply, secrets);
        ApiFailure failure = (int)reply.Status switch
        {
            // 423 is for what was asked of, 429 for who asks; both may say how long.
            429 or 423 => new ApiFailure.RateLimited($"Webex asks for patience: {says}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Webex has a problem of its own: {says}."),
            401 => new ApiFailure.TokenRefused($"Webex does not accept the service app's token: {says}."),
            403 when scope is not null => new ApiFailure.MissingScope(
                $"The service app may not do this: {says}. Give it the scope {scope}, and have a full admin authorize it in Control Hub again.", scope),
            404 => new ApiFailure.Rejected($"Webex has no such thing: {says}. Is the id right?"),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Webex sends us elsewhere: {says}. Is the API's address right?"),
            >= 200 and < 300 => new ApiFailure.Unavailable($"Webex's answer is not the API's: {says}. Is the API's address right?"),
            _ => new ApiFailure.Rejected($"Webex rejects the request: {says}."),
        };
        return new ApiAnswer<T>.Failed(failure with { RetryAfter = reply.RetryAfter });
    }

    /// <summary>The objects of <c>{"items":[…]}</c>; what is no object in it is left out. Null when there is no such list.</summary>
    public static IReadOnlyList<T>? Items<T>(JsonElement body, Func<JsonMembers, T> read) =>
        ApiJson.Member(body, "items") is { ValueKind: JsonValueKind.Array } items
            ? [.. items.EnumerateArray().Select(Members).OfType<JsonMembers>().Select(read)]
            : null;

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

    public static JsonElement? Parse(byte[] body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
