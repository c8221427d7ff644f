using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Polly.Timeout;
using Refit;

namespace Exporter.Accounts;

/// <summary>Converts Refit responses to results. Each source adds the classification of its provider's error responses.</summary>
public static class ApiResponses
{
    /// <summary>The value of a successful response, or the failure.</summary>
    /// <param name="provider">Its name, for sentences.</param>
    /// <param name="value">The value of a response with status 2xx; null if it has none.</param>
    /// <param name="classify">The failure that any other response means.</param>
    public static Result<T, ApiFailure> Read<TBody, T>(
        this IApiResponse<TBody> response, string provider, TimeProvider time, Func<TBody, T?> value, Func<IApiResponse, ApiFailure> classify) =>
        response.IsSuccessful && response.Content is { } body && value(body) is { } found
            ? found
            : Failure(response, provider, time, classify);

    /// <summary>The same for a response whose status alone decides.</summary>
    public static Result<bool, ApiFailure> Read(
        this IApiResponse response, string provider, TimeProvider time, Func<IApiResponse, bool> isGood, Func<IApiResponse, ApiFailure> classify) =>
        response.IsReceived && isGood(response) ? true : Failure(response, provider, time, classify);

    /// <summary>The body of a response that is an error, or does not have the requested shape.</summary>
    public static string ErrorBody(this IApiResponse response) => response.HasResponseError(out var error) ? error.Content ?? "" : "";

    /// <summary>The JSON of <see cref="ErrorBody"/>; null if it is not JSON.</summary>
    public static JsonElement? ErrorJson(this IApiResponse response) => Json.Parse(Encoding.UTF8.GetBytes(response.ErrorBody()));

    private static ApiFailure Failure(IApiResponse response, string provider, TimeProvider time, Func<IApiResponse, ApiFailure> classify)
    {
        if (response.HasRequestError(out var error))
        {
            return FailureOf(error.InnerException ?? error, provider);
        }
        var failure = classify(response);
        // Ignore Retry-After in a success response that is not the API's.
        return failure is ApiFailure.Unavailable && response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created
            ? failure
            : failure with { RetryAfter = RetryAfter.Read(response.Headers, time) };
    }

    /// <summary>The failure that an exception of an API client means.</summary>
    /// <param name="largest">The largest response in bytes.</param>
    public static ApiFailure FailureOf(Exception exception, string provider, int largest = ApiLimits.LargestBody) => exception switch
    {
        TokenUnavailableException e => new ApiFailure.NoToken($"No request was sent to {provider}: {e.Message.TrimEnd('.')}."),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } =>
            new ApiFailure.Unavailable($"{provider}'s response is larger than {largest / 1024 / 1024} MiB."),
        ApiTimeoutException => new ApiFailure.Unavailable(
            string.Create(CultureInfo.InvariantCulture, $"{provider} did not respond within {ApiLimits.LongestWait.TotalSeconds} s.")),
        OperationCanceledException or TimeoutException or TimeoutRejectedException =>
            new ApiFailure.Unavailable($"{provider} did not respond in time."),
        _ => new ApiFailure.Unavailable($"{provider} cannot be reached: {NetworkFailure.Describe(exception)}."),
    };
}
