using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>An HTTP answer of a cloud's API, whole.</summary>
/// <param name="At">When it was there, by our clock.</param>
public sealed record ApiReply(HttpStatusCode Status, HttpResponseHeaders Headers, byte[] Body, DateTimeOffset At)
{
    /// <summary>RFC 9110 section 10.2.3: a number of seconds or a date; never negative.</summary>
    public TimeSpan? RetryAfter =>
        (Headers.RetryAfter?.Delta ?? Headers.RetryAfter?.Date - At) is { } wait ? (wait > TimeSpan.Zero ? wait : TimeSpan.Zero) : null;
}

/// <summary>
/// One request to a cloud's API, bounded in time and size. What goes wrong is a value: it throws for the caller's cancellation only.
/// </summary>
public static class ApiRequest
{
    /// <summary>In bytes.</summary>
    public const int LargestBody = 16 * 1024 * 1024;

    /// <summary>One answer takes no longer, with all the retries that the client's handlers make.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(90);

    /// <param name="http">Brings the address of the cloud and the handlers that put the token on a request and repeat it.</param>
    /// <param name="request">Disposed of here.</param>
    /// <param name="cloud">Its name, for sentences.</param>
    /// <param name="read">What an answer of the cloud means, whatever its status.</param>
    public static async Task<ApiAnswer<T>> SendAsync<T>(
        HttpClient http, HttpRequestMessage request, string cloud, Func<ApiReply, ApiAnswer<T>> read, TimeProvider time, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            using var sent = request;
            sent.Headers.Accept.Add(new("application/json"));
            // Headers first, so that the cap and the patience hold for the body as well.
            using var response = await http.SendAsync(sent, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(LargestBody, either.Token);
            return read(new ApiReply(response.StatusCode, response.Headers, await response.Content.ReadAsByteArrayAsync(either.Token), time.GetUtcNow()));
        }
        catch (TokenUnavailableException e)
        {
            return Failed(new ApiFailure.NoToken($"{cloud} was not asked: {e.Message.TrimEnd('.')}."));
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return Failed(new ApiFailure.Unavailable($"{cloud}'s answer is larger than {LargestBody / 1024 / 1024} MiB."));
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException && !cancellation.IsCancellationRequested)
        {
            return Failed(new ApiFailure.Unavailable(string.Create(
                CultureInfo.InvariantCulture, $"{cloud} did not answer {(patience.IsCancellationRequested ? $"within {LongestWait.TotalSeconds} s" : "in time")}.")));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            return Failed(new ApiFailure.Unavailable($"{cloud} cannot be reached: {e.GetBaseException().Message.TrimEnd('.')}."));
        }

        static ApiAnswer<T> Failed(ApiFailure failure) => new ApiAnswer<T>.Failed(failure);
    }
}
