using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Exporter.Tokens;
using Polly.Timeout;
using Refit;

namespace Exporter.Accounts;

/// <summary>From Refit's responses to results; each source adds the table of what its provider's answers mean.</summary>
public static class ApiResponses
{
    /// <summary>The value of a good answer, or why there is none.</summary>
    /// <param name="provider">Its name, for sentences.</param>
    /// <param name="value">The value of an answer with a status of 2xx; null if it has none.</param>
    /// <param name="refusal">What any other answer means.</param>
    public static PollResult<T> Read<TBody, T>(
        this IApiResponse<TBody> response, string provider, TimeProvider time, Func<TBody, T?> value, Func<IApiResponse, ApiFailure> refusal) =>
        response.IsSuccessful && response.Content is { } body && value(body) is { } found ? new PollResult<T>.Success(found) : Failure(response, provider, time, refusal);

    /// <summary>The same for an answer that is good by its status alone.</summary>
    public static PollResult<bool> Read(this IApiResponse response, string provider, TimeProvider time, Func<IApiResponse, bool> isGood, Func<IApiResponse, ApiFailure> refusal) =>
        response.IsReceived && isGood(response) ? new PollResult<bool>.Success(true) : Failure(response, provider, time, refusal);

    /// <summary>The body of an answer that is an error, or not of the shape that was asked for.</summary>
    public static string ErrorBody(this IApiResponse response) => response.HasResponseError(out var error) ? error.Content ?? "" : "";

    /// <summary>The JSON of <see cref="ErrorBody"/>; null if it is none.</summary>
    public static JsonElement? ErrorJson(this IApiResponse response) => ApiJson.Parse(Encoding.UTF8.GetBytes(response.ErrorBody()));

    private static ApiFailure Failure(IApiResponse response, string provider, TimeProvider time, Func<IApiResponse, ApiFailure> refusal)
    {
        if (response.HasRequestError(out var lost))
        {
            return Lost(lost.InnerException ?? lost, provider);
        }
        var failure = refusal(response);
        // What is not the API's answer at all does not say either when to come back.
        return failure is ApiFailure.Unavailable && response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created ? failure : failure with { RetryAfter = RetryAfter(response, time) };
    }

    /// <summary>RFC 9110 section 10.2.3: a number of seconds or a date; never negative.</summary>
    private static TimeSpan? RetryAfter(IApiResponse response, TimeProvider time)
    {
        var header = response.Headers?.RetryAfter;
        return (header?.Delta ?? header?.Date - time.GetUtcNow()) is { } wait ? (wait > TimeSpan.Zero ? wait : TimeSpan.Zero) : null;
    }

    private static ApiFailure Lost(Exception failure, string provider) => failure switch
    {
        TokenUnavailableException e => new ApiFailure.NoToken($"{provider} was not asked: {e.Message.TrimEnd('.')}."),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } =>
            new ApiFailure.Unavailable($"{provider}'s answer is larger than {ApiLimits.LargestBody / 1024 / 1024} MiB."),
        ApiTooSlowException => new ApiFailure.Unavailable(string.Create(CultureInfo.InvariantCulture, $"{provider} did not answer within {ApiLimits.LongestWait.TotalSeconds} s.")),
        OperationCanceledException or TimeoutException or TimeoutRejectedException => new ApiFailure.Unavailable($"{provider} did not answer in time."),
        _ => new ApiFailure.Unavailable($"{provider} cannot be reached: {failure.GetBaseException().Message.TrimEnd('.')}."),
    };
}
