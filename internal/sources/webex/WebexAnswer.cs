using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;
using Refit;

namespace Exporter.Webex;

/// <summary>What an answer of Webex's API means.</summary>
public static class WebexAnswer
{
    internal const string ReadScope = "spark-admin:datasource_read";
    private const string WriteScope = "spark-admin:datasource_write";

    /// <summary>What was asked for, or why there is none.</summary>
    /// <param name="account">Its token is not repeated from an error.</param>
    /// <param name="order">What was sent; its nonce is not repeated either.</param>
    public static PollResult<T> Read<T>(IApiResponse<T> response, ApiAccount account, TimeProvider time, DataSourceOrder? order = null) where T : class => response.Read(
        "Webex", time, value => response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created ? value : null, refusal => Failure(refusal, account, order));

    /// <summary>True; or why it was not deleted.</summary>
    public static PollResult<bool> ReadDeletion(IApiResponse response, ApiAccount account, TimeProvider time) => response.Read(
        "Webex", time, answer => answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NoContent, refusal => Failure(refusal, account, null));

    /// <summary>The objects of <c>{"items":[…]}</c>; what is no object in it is left out. Null when there is no such list.</summary>
    internal static IReadOnlyList<T>? Items<T>(JsonElement body, Func<JsonMembers, T> read) =>
        ApiJson.Member(body, "items") is { ValueKind: JsonValueKind.Array } items
            ? [.. items.EnumerateArray().Select(WebexError.Members).OfType<JsonMembers>().Select(read)]
            : null;

    private static ApiFailure Failure(IApiResponse response, ApiAccount account, DataSourceOrder? order)
    {
        var status = response.StatusCode!.Value;
        if (status is HttpStatusCode.OK or HttpStatusCode.Created)
        {
            return new ApiFailure.Unavailable($"Webex's answer is not the API's: HTTP {(int)status} with another body. Is the API's address right?");
        }
        var ids = response.Headers!.TryGetValues("Trackingid", out var values) ? values : null;
        var says = WebexError.Says(status, response.ErrorJson(), ids, order?.Nonce, account.CurrentToken);
        return (int)status switch
        {
            // 423 is for what was asked of, 429 for who asks; both may say how long.
            429 or 423 => new ApiFailure.RateLimited($"Webex asks for patience: {says}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Webex has a problem of its own: {says}."),
            401 => new ApiFailure.TokenRefused($"Webex does not accept the service app's token: {says}."),
            403 when ScopeOf(response.RequestMessage!) is { } scope => new ApiFailure.MissingScope(
                $"The service app may not do this: {says}. Give it the scope {scope}, and have a full admin authorize it in Control Hub again.", scope),
            404 => new ApiFailure.Rejected($"Webex has no such thing: {says}. Is the id right?"),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Webex sends us elsewhere: {says}. Is the API's address right?"),
            >= 200 and < 300 => new ApiFailure.Unavailable($"Webex's answer is not the API's: {says}. Is the API's address right?"),
            _ => new ApiFailure.Rejected($"Webex rejects the request: {says}."),
        };
    }

    /// <summary>What the request needs; null where any good token will do.</summary>
    private static string? ScopeOf(HttpRequestMessage request) =>
        WebexCalls.NameOf(request) == "schemas" ? null : request.Method == HttpMethod.Get ? ReadScope : WriteScope;
}
