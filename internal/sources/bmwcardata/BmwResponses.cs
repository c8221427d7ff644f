using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Refit;

namespace Exporter.BmwCarData;

/// <summary>Classifies the responses of BMW's CarData API by <c>exveErrorId</c>, or by the HTTP status if the body has none.</summary>
internal static partial class BmwResponses
{
    public static Result<T, ApiFailure> Read<T>(IApiResponse<JsonElement> response, TimeProvider time, Func<JsonElement, T?> convert)
        where T : class => response.Read("BMW", time, convert, error => error.IsSuccessStatusCode
            ? UnexpectedFormat(error.HasResponseError(out _) ? "it is not JSON" : "a member is missing")
            : Failure(error.StatusCode!.Value, error.ErrorJson()));

    /// <summary>
    /// Whether a new access token helps. It does not if a 403 is about a car, a container or the scope. The body is buffered: the caller can
    /// still read it.
    /// </summary>
    public static async ValueTask<bool> RejectsTokenAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden))
        {
            return false;
        }
        await response.Content.LoadIntoBufferAsync(ApiLimits.LargestBody, cancellationToken);
        return Text(Json.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken)), "exveErrorId") switch
        {
            "CU-100" or "CU-101" or "CU-102" => true,
            null => response.StatusCode == HttpStatusCode.Unauthorized,
            _ => false,
        };
    }

    /// <summary>The keys that the message of CU-402 names; null if the response is another one.</summary>
    public static IReadOnlyList<string>? UnknownKeys(IApiResponse response, IEnumerable<string> keys)
    {
        var body = response.ErrorJson();
        var words = Words().Matches(Text(body, "exveErrorMsg") ?? "").Select(word => word.Value.TrimEnd('.'));
        return Text(body, "exveErrorId") == "CU-402" ? [.. keys.Intersect(words, StringComparer.OrdinalIgnoreCase)] : null;
    }

    /// <summary>The text of a member; null if it is empty or not a string.</summary>
    public static string? Text(JsonElement? json, string name) => Json.Text(Json.Member(json, name)) is { Length: > 0 } text ? text : null;

    /// <summary>The items of an array that <paramref name="convert"/> accepts; null if there is no array.</summary>
    public static IReadOnlyList<T>? Items<T>(JsonElement? json, Func<JsonElement, T?> convert) where T : class =>
        json is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(convert).OfType<T>()] : null;

    private static ApiFailure Failure(HttpStatusCode status, JsonElement? body)
    {
        var code = Text(body, "exveErrorId");
        var details = Details(status, code, Text(body, "exveErrorMsg"));
        return ((int)status, code) switch
        {
            (_, "CU-429") or (429, _) => new ApiFailure.RateLimited(
                $"BMW's daily quota is used up: {details}. All programs of the account share {BmwRest.DailyQuota} requests a day."),
            (_, "CU-103") => new ApiFailure.MissingScope(
                $"The token lacks the scope cardata:api:read: {details}. Subscribe to CarData API in the portal, wait a minute, and log in again.",
                "cardata:api:read"),
            (_, "CU-100" or "CU-101" or "CU-102") or (401, null) => new ApiFailure.TokenRefused($"BMW rejected the access token: {details}."),
            (_, "CU-104") => new ApiFailure.Rejected($"BMW denies access to this car: {details}. Log in as its primary user."),
            (_, "CU-105" or "CU-121" or "CU-122") => new ApiFailure.Rejected(
                $"BMW no longer has the container: {details}. The exporter looks it up again."),
            (_, "CU-124") => new ApiFailure.Rejected(
                $"BMW allows ten containers for each user: {details}. Delete an unused one; it still counts for 29 days."),
            (_, "CU-402") => new ApiFailure.Rejected($"BMW does not have a key of the container: {details}. Update the exporter."),
            (_, "CU-500" or "CU-503") or ( >= 500 or 408, _) => new ApiFailure.Unavailable($"BMW is unavailable: {details}."),
            (_, not null) => new ApiFailure.Rejected($"BMW rejected the request: {details}."),
            _ => UnexpectedFormat(details),
        };
    }

    private static ApiFailure.Unavailable UnexpectedFormat(string details) =>
        new($"BMW's response has an unexpected format: {details}. Check api_url.");

    private static string Details(HttpStatusCode status, string? code, string? message)
    {
        var http = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}") + (code is null ? "" : $", {Sanitize.Line(code.Trim())}");
        return message is null ? http : $"\"{Sanitize.Line(message.Trim())}\" ({http})";
    }

    /// <summary>Keys, and the other words of a sentence.</summary>
    [GeneratedRegex("[A-Za-z0-9_.]+")]
    private static partial Regex Words();
}
