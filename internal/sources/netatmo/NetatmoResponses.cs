using System.Globalization;
using System.Net;
using System.Text;
using Refit;

namespace Exporter.Netatmo;

/// <summary>Classifies the HTTP responses of Netatmo's API.</summary>
internal static class NetatmoResponses
{
    /// <param name="scope">The scope that the request needs, for the message if the token lacks it.</param>
    public static Result<StationsData, ApiFailure> Read(IApiResponse<NetatmoResponse> response, string scope, TimeProvider time) => response.Read(
        "Netatmo",
        time,
        body => response.StatusCode == HttpStatusCode.OK ? body.Data : null,
        error => Failure(
            error.StatusCode!.Value, response.Content ?? Parse(Encoding.UTF8.GetBytes(error.ErrorBody())), error.ErrorBody(), scope));

    /// <summary>
    /// Whether the access token is invalid (code 2) or expired (code 3), so that a renewal helps. It does not help with other errors, such as
    /// a missing scope. The documented status is 403; gateways return 401, and an error may have another one. The body is buffered: the caller
    /// can still read it.
    /// </summary>
    public static async ValueTask<bool> RejectsTokenAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if ((int)response.StatusCode is not (>= 400 and < 500))
        {
            return false;
        }
        await response.Content.LoadIntoBufferAsync(ApiLimits.LargestBody, cancellationToken);
        var code = Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken))?.Error?.Code;
        return code is 2 or 3 || (code is null && response.StatusCode == HttpStatusCode.Unauthorized);
    }

    private static NetatmoResponse? Parse(ReadOnlySpan<byte> body) => NetatmoResponse.From(Json.Parse(body));

    private static ApiFailure Failure(HttpStatusCode status, NetatmoResponse? response, string body, string scope)
    {
        var details = Details(status, response?.Error);
        return ((int)status, response?.Error?.Code) switch
        {
            // Code 26 had the status 403 for years and has 429 now.
            (429, _) or (_, 26) => new ApiFailure.RateLimited($"Netatmo limits the request rate: {details}."),
            ( >= 500 or 408, _) => new ApiFailure.Unavailable($"Netatmo is unavailable: {details}."),
            (401, _) or (_, 1 or 2 or 3) => new ApiFailure.TokenRefused($"Netatmo rejected the access token: {details}."),
            (_, 13) => new ApiFailure.MissingScope($"The token lacks the scope {scope}: {details}. Log in again and allow {scope}.", scope),
            (_, 5) => new ApiFailure.Rejected($"Netatmo deactivated the app: {details}. See https://dev.netatmo.com/apps/."),
            _ when response?.Error is not null => new ApiFailure.Rejected($"Netatmo rejected the request: {details}."),
            _ => new ApiFailure.Unavailable($"Netatmo's response has an unexpected format: {details}, {Describe(response, body)}. Check api_url."),
        };
    }

    private static string Describe(NetatmoResponse? response, string body) => body.AsSpan().TrimStart(" \t\r\n") switch
    {
        _ when response is not null => "JSON without body.devices",
        [] => "an empty body",
        ['<', ..] => "HTML instead of JSON",
        _ => "a body that is not a JSON object",
    };

    private static string Details(HttpStatusCode status, NetatmoError? error)
    {
        var http = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}");
        var code = error?.Code is { } number ? string.Create(CultureInfo.InvariantCulture, $", code {number}") : "";
        return error?.Message is { } message ? $"\"{Sanitize.Line(message.Trim())}\" ({http}{code})" : http + code;
    }
}
