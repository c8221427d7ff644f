using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;
using Refit;

namespace Exporter.Ergani;

/// <summary>What an answer of Ergani's API means.</summary>
public static class ErganiAnswer
{
    /// <summary>The kinds of submission, or why there are none.</summary>
    public static PollResult<IReadOnlyList<ErganiEntry>> Read(IApiResponse<ErganiSubmissions> response, TimeProvider time) =>
        response.Read("Ergani", time, answer => IsGood(response) ? answer.Entries : null, Failure);

    /// <summary>The services, or why there are none.</summary>
    public static PollResult<IReadOnlyList<ErganiEntry>> Read(IApiResponse<ErganiServices> response, TimeProvider time) =>
        response.Read("Ergani", time, answer => IsGood(response) ? answer.Entries : null, Failure);

    /// <summary>What the service gave, or why it gave nothing.</summary>
    public static PollResult<ErganiServiceAnswer> Read(IApiResponse<ErganiServiceAnswer> response, TimeProvider time) =>
        response.Read("Ergani", time, answer => IsGood(response) ? answer : null, Failure);

    internal static PollResult<bool> ReadLogout(IApiResponse response, TimeProvider time) => response.Read("Ergani", time, IsGood, Failure);

    /// <summary>The objects of a list; null if it is none.</summary>
    internal static IReadOnlyList<ErganiEntry>? Entries(JsonElement body, string code) => body.ValueKind != JsonValueKind.Array
        ? null
        : [.. from entry in body.EnumerateArray()
              where entry.ValueKind == JsonValueKind.Object
              select new ErganiEntry(Text(entry, code) ?? "", Text(entry, "description"))];

    /// <summary>The text or number of a member, whatever the case of its name: the service spells as it likes.</summary>
    internal static string? Text(JsonElement element, string name) => Member(element, name) switch
    {
        { ValueKind: JsonValueKind.String } text => ApiJson.Text(text),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    internal static JsonElement? Member(JsonElement element, string name) => ApiJson.Member(element, name, StringComparison.OrdinalIgnoreCase);

    private static bool IsGood(IApiResponse response) => response.StatusCode == HttpStatusCode.OK;

    private static ApiFailure Failure(IApiResponse response)
    {
        var says = Says(response);
        return (int)response.StatusCode! switch
        {
            200 => new ApiFailure.Unavailable("Ergani's answer is not the API's: HTTP 200 with another body. Is the environment's address right?"),
            429 => new ApiFailure.RateLimited($"Ergani limits how often it may be asked: {says}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Ergani has a problem of its own: {says}."),
            401 => new ApiFailure.TokenRefused($"Ergani does not accept the access token: {says}."),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Ergani sends us elsewhere: {says}. Is the environment's address right?"),
            _ => new ApiFailure.Rejected($"Ergani rejects the request: {says}."),
        };
    }

    /// <summary>A refusal is <c>{"message"}</c> or a bare JSON string; several messages stand in one, with a written-out \n between them.</summary>
    private static string Says(IApiResponse response)
    {
        var message = response.ErrorJson() switch
        {
            { ValueKind: JsonValueKind.String } text => ApiJson.Text(text),
            { ValueKind: JsonValueKind.Object } body => Text(body, "message"),
            _ => null,
        };
        var line = Sanitize.Line((message ?? "").Replace("\\n", "; ", StringComparison.Ordinal)).Trim();
        return line.Length > 0 ? $"\"{line}\" (HTTP {(int)response.StatusCode!})" : $"HTTP {(int)response.StatusCode!}";
    }
}
