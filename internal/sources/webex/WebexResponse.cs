using System.Net;
using System.Text.Json;
using Refit;

namespace Exporter.Webex;

/// <summary>Turns responses of Webex's API into results.</summary>
public static class WebexResponse
{
    internal const string ReadScope = "spark-admin:datasource_read";
    private const string WriteScope = "spark-admin:datasource_write";

    /// <summary>The body of a successful response, or the failure.</summary>
    /// <param name="account">Its token is removed from error messages.</param>
    /// <param name="request">What was sent; its nonce is removed from error messages.</param>
    public static Result<T, ApiFailure> Read<T>(IApiResponse<T> response, ApiAccount account, TimeProvider time, DataSourceRequest? request = null)
        where T : class => response.Read("Webex", time,
            value => response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created ? value : null,
            error => Failure(error, account, request));

    /// <summary>True, or why the source was not deleted.</summary>
    public static Result<bool, ApiFailure> ReadDeletion(IApiResponse response, ApiAccount account, TimeProvider time) => response.Read("Webex", time,
        success => success.StatusCode is HttpStatusCode.OK or HttpStatusCode.NoContent, error => Failure(error, account, null));

    /// <summary>The objects of <c>{"items":[…]}</c>, or of a map, without items of other types. Null if there is neither.</summary>
    internal static IReadOnlyList<T>? Items<T>(JsonElement body, Func<JsonMembers, T> read) =>
        Json.ItemsOrValues(Json.Member(body, "items")) is { } items
            ? [.. items.Select(item => JsonMembers.TryFrom(item)).OfType<JsonMembers>().Select(read)]
            : null;

    private static ApiFailure Failure(IApiResponse response, ApiAccount account, DataSourceRequest? request)
    {
        var status = response.StatusCode!.Value;
        if (status is HttpStatusCode.OK or HttpStatusCode.Created)
        {
            return new ApiFailure.Unavailable(
                $"Webex returned an unexpected response: HTTP {(int)status} with another body. Check the API's address.");
        }
        var ids = response.Headers!.TryGetValues("Trackingid", out var values) ? values : null;
        var details = WebexError.Describe(status, response.ErrorJson(), ids, request?.Nonce, account.CurrentToken);
        return (int)status switch
        {
            // 429 limits this client, 423 the resource; both can contain Retry-After.
            429 or 423 => new ApiFailure.RateLimited($"Webex limits the rate of requests: {details}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Webex has a problem: {details}."),
            401 => new ApiFailure.TokenRefused($"Webex rejects the service app's token: {details}."),
            403 when ScopeFor(response.RequestMessage!) is { } scope => new ApiFailure.MissingScope(
                $"The service app lacks a permission: {details}. Add the scope {scope}, and have a full admin authorize it in Control Hub again.",
                scope),
            404 => new ApiFailure.Rejected($"Webex does not find the resource: {details}. Check the ID."),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Webex redirects the request: {details}. Check the API's address."),
            >= 200 and < 300 => new ApiFailure.Unavailable($"Webex returned an unexpected response: {details}. Check the API's address."),
            _ => new ApiFailure.Rejected($"Webex rejects the request: {details}."),
        };
    }

    /// <summary>The scope that the request requires; null if any valid token is enough.</summary>
    private static string? ScopeFor(HttpRequestMessage request) =>
        WebexCalls.GetOperation(request) == "schemas" ? null : request.Method == HttpMethod.Get ? ReadScope : WriteScope;
}
