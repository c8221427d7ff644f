using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Exporter.Accounts;
using Refit;

namespace Exporter.Netatmo;

/// <summary>The stations of one answer, and the provider's clock when it gave it.</summary>
internal sealed record StationsData(IReadOnlyList<WireModule> Devices, double? ServerTime);

/// <summary>What an HTTP answer of Netatmo's API means: status and body in, stations or the reason why not out.</summary>
internal static class NetatmoAnswer
{
    private const int LongestMessage = 200;

    /// <param name="scope">The scope that the request needs, to be named if the token lacks it.</param>
    public static PollResult<StationsData> Read(IApiResponse<WireAnswer> response, string scope, TimeProvider time) => response.Read(
        "Netatmo",
        time,
        answer => response.StatusCode == HttpStatusCode.OK && answer.Body?.Devices is { } devices ? new StationsData(devices, answer.TimeServer) : null,
        refusal => Failure(refusal.StatusCode!.Value, response.Content ?? Parse(Encoding.UTF8.GetBytes(refusal.ErrorBody())), refusal.ErrorBody(), scope));

    /// <summary>
    /// Whether the answer says that the access token is invalid (code 2) or expired (code 3), so that a fresh one would help.
    /// Other 403s, such as a missing scope, do not. The body is buffered: it can still be read.
    /// </summary>
    public static async ValueTask<bool> RefusesToken(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.Forbidden)
        {
            return false;
        }
        await response.Content.LoadIntoBufferAsync(ApiLimits.LargestBody, cancellationToken);
        return Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken))?.Error?.Code is 2 or 3;
    }

    private static WireAnswer? Parse(ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        try
        {
            return JsonSerializer.Deserialize(body.StartsWith(byteOrderMark) ? body[3..] : body, NetatmoJson.Default.WireAnswer);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ApiFailure Failure(HttpStatusCode status, WireAnswer? answer, string body, string scope)
    {
        var says = Says(status, answer?.Error);
        return ((int)status, answer?.Error?.Code) switch
        {
            // 26 came with 403 for years and comes with 429 now.
            (429, _) or (_, 26) => new ApiFailure.RateLimited($"Netatmo limits how often it may be asked: {says}."),
            ( >= 500 or 408, _) => new ApiFailure.Unavailable($"Netatmo has a problem of its own: {says}."),
            (401, _) or (_, 1 or 2 or 3) => new ApiFailure.TokenRefused($"Netatmo does not accept the access token: {says}."),
            (_, 13) => new ApiFailure.MissingScope(
                $"The token lacks the scope {scope}: {says}. Log in again and allow {scope}.", scope),
            (_, 5) => new ApiFailure.Rejected($"Netatmo has deactivated the app: {says}. Look at https://dev.netatmo.com/apps/."),
            _ when answer?.Error is not null => new ApiFailure.Rejected($"Netatmo rejects the request: {says}."),
            _ => new ApiFailure.Unavailable($"Netatmo's answer is not the API's: {says}, {What(answer, body)}. Is the API's address right?"),
        };
    }

    private static string What(WireAnswer? answer, string body) => body.AsSpan().TrimStart(" \t\r\n") switch
    {
        [] when answer is null => "an empty body",
        _ when answer is not null => "JSON without body.devices",
        ['<', ..] => "a page of HTML instead of JSON",
        _ => "a body that is not JSON",
    };

    private static string Says(HttpStatusCode status, WireError? error)
    {
        var http = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}");
        var code = error?.Code is { } number ? string.Create(CultureInfo.InvariantCulture, $", code {number}") : "";
        return error?.Message is { } message ? $"\"{Shown(message)}\" ({http}{code})" : http + code;
    }

    // The provider's text goes to a log and a page: one line of it, and not a long one.
    private static string Shown(string message)
    {
        var line = string.Concat(message.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= LongestMessage ? line : line[..LongestMessage] + "…";
    }
}
