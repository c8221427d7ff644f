using System.Net.Http.Headers;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>
/// The outermost handler of every API client. It sends the request to its account's address and buffers the response, within limits of size
/// and time. Reading the response then neither waits nor depends on its charset: Refit would read the body without the caller's token.
/// </summary>
internal sealed class ApiAccountHandler(Counter.Child timeouts, TimeProvider time) : DelegatingHandler
{
    private readonly RunningTime running = new(time);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var account = ApiAccount.Of(request);
        request.RequestUri = new Uri(account.Address.GetLeftPart(UriPartial.Path).TrimEnd('/') + request.RequestUri!.PathAndQuery);
        account.Calls?.Mark(request);
        if (account.AccessToken is { } token)
        {
            request.Headers.Authorization ??= new("Bearer", token.Reveal());
        }
        using var limit = new CancellationTokenSource(ApiLimits.LongestWait, running);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var response = await base.SendAsync(request, either.Token);
            await response.Content.LoadIntoBufferAsync(account.LargestResponse, either.Token);
            // JSON is UTF-8 (RFC 8259 section 8.1), regardless of the response's charset and media type.
            response.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            return response;
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException
            && limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            timeouts.Inc();
            throw new ApiTimeoutException();
        }
    }
}

/// <summary>The limits of one API response.</summary>
public static class ApiLimits
{
    /// <summary>In bytes.</summary>
    public const int LargestBody = 16 * 1024 * 1024;

    /// <summary>For one response, including all retries.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(90);
}

/// <summary>No complete response arrived within <see cref="ApiLimits.LongestWait"/>.</summary>
internal sealed class ApiTimeoutException : TimeoutException;
