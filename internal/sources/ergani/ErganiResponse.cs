using System.Net;
using System.Text.Json;
using Refit;

namespace Exporter.Ergani;

/// <summary>Turns responses of Ergani's API into results.</summary>
public static class ErganiResponse
{
    /// <summary>The body of a successful response, or the failure.</summary>
    public static Result<T, ApiFailure> Read<T>(IApiResponse<T> response, TimeProvider time)
        where T : class => response.Read("Ergani", time, body => IsSuccess(response) ? body : null, Failure);

    internal static Result<bool, ApiFailure> ReadLogout(IApiResponse response, TimeProvider time) =>
        response.Read("Ergani", time, IsSuccess, Failure);

    /// <summary>The text or number of a member. The service does not keep to one case in its names.</summary>
    internal static string? Text(JsonElement? element, string name) => Json.TextOrNumber(Member(element, name));

    internal static JsonElement? Member(JsonElement? element, string name) => Json.Member(element, name, StringComparison.OrdinalIgnoreCase);

    private static bool IsSuccess(IApiResponse response) => response.StatusCode == HttpStatusCode.OK;

    private static ApiFailure Failure(IApiResponse response)
    {
        var details = Describe(response);
        return (int)response.StatusCode! switch
        {
            200 => new ApiFailure.Unavailable(
                "Ergani returned an unexpected response: HTTP 200 with another body. Check the environment's address."),
            429 => new ApiFailure.RateLimited($"Ergani limits the rate of requests: {details}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Ergani has a problem: {details}."),
            401 => new ApiFailure.TokenRefused($"Ergani rejects the access token: {details}."),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Ergani redirects the request: {details}. Check the environment's address."),
            _ => new ApiFailure.Rejected($"Ergani rejects the request: {details}."),
        };
    }

    /// <summary>An error is <c>{"message"}</c> or a bare JSON string. A literal <c>\n</c> separates several messages.</summary>
    private static string Describe(IApiResponse response)
    {
        var body = response.ErrorJson();
        var message = Json.Text(body) ?? Text(body, "message");
        var line = Sanitize.Line((message ?? "").Replace("\\n", "; ", StringComparison.Ordinal)).Trim();
        return line.Length > 0 ? $"\"{line}\" (HTTP {(int)response.StatusCode!})" : $"HTTP {(int)response.StatusCode!}";
    }
}
