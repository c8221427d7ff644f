using System.Globalization;
using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Refit;

namespace Exporter.BmwCarData;

/// <summary>What an HTTP answer of BMW's customer interface means; BMW tells by <c>exveErrorId</c>, and the status only where there is none.</summary>
internal static class BmwAnswer
{
    private const int LongestMessage = 200;

    public static PollResult<T> Read<TBody, T>(IApiResponse<TBody> response, TimeProvider time, Func<TBody, T?> value) where T : class =>
        response.Read("BMW", time, value, refusal => refusal.IsSuccessStatusCode
            ? new ApiFailure.Unavailable(
                $"BMW's answer is not the customer interface's: {(refusal.ErrorJson() is null ? "it is no JSON" : "its JSON is of another shape")}. Is the API's address right?")
            : Failure(refusal.StatusCode!.Value, refusal.ErrorJson()));

    /// <summary>Whether a fresh access token would help. A 403 for a car, a container or the scope is not about the token. The body is buffered.</summary>
    public static async ValueTask<bool> RefusesToken(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden))
        {
            return false;
        }
        await response.Content.LoadIntoBufferAsync(ApiLimits.LargestBody, cancellationToken);
        return Text(ApiJson.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken)), "exveErrorId") switch
        {
            "CU-100" or "CU-101" or "CU-102" => true,
            null => response.StatusCode == HttpStatusCode.Unauthorized,
            _ => false,
        };
    }

    /// <summary>A member's text; null where it is none, or the object is no object.</summary>
    public static string? Text(JsonElement? of, string name) => ApiJson.Text(ApiJson.Member(of, name)) is { Length: > 0 } text ? text : null;

    /// <summary>What can be read of a list; null where it is none.</summary>
    public static IReadOnlyList<T>? Items<T>(JsonElement list, Func<JsonElement, T?> read) where T : class =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(read).OfType<T>()] : null;

    private static ApiFailure Failure(HttpStatusCode status, JsonElement? body)
    {
        var code = Text(body, "exveErrorId");
        var says = Says(status, code, Text(body, "exveErrorMsg"));
        return ((int)status, code) switch
        {
            (_, "CU-429") or (429, _) => new ApiFailure.RateLimited($"BMW's quota of calls is used up: {says}. It counts every program of the account, {DailyBudget.Allowed} calls a day."),
            (_, "CU-103") => new ApiFailure.MissingScope(
                $"The token lacks the scope cardata:api:read: {says}. Subscribe CarData API in the portal, wait a minute, and log in again.", "cardata:api:read"),
            (_, "CU-100" or "CU-101" or "CU-102") or (401, null) => new ApiFailure.TokenRefused($"BMW does not accept the access token: {says}."),
            (_, "CU-104") => new ApiFailure.Rejected($"BMW does not tell of this car: {says}. Only its primary user may ask."),
            (_, "CU-105" or "CU-121" or "CU-122") => new ApiFailure.Rejected($"BMW does not know the container any more: {says}. It is looked for again."),
            (_, "CU-124") => new ApiFailure.Rejected($"BMW makes no more than ten containers for a user: {says}. Delete one that no program uses; it counts for 29 days more."),
            (_, "CU-500" or "CU-503") or ( >= 500 or 408, _) => new ApiFailure.Unavailable($"BMW has a problem of its own: {says}."),
            (_, not null) => new ApiFailure.Rejected($"BMW rejects the request: {says}."),
            _ => new ApiFailure.Unavailable($"BMW's answer is not the customer interface's: {says}. Is the API's address right?"),
        };
    }

    private static string Says(HttpStatusCode status, string? code, string? message)
    {
        var http = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}") + (code is null ? "" : $", {Shown(code)}");
        return message is null ? http : $"\"{Shown(message)}\" ({http})";
    }

    // BMW's text goes to a log and a page: one line of it, and not a long one.
    private static string Shown(string message)
    {
        var line = string.Concat(message.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= LongestMessage ? line : line[..LongestMessage] + "…";
    }
}
