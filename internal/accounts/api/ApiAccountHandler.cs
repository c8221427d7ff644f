using System.Net.Http.Headers;

namespace Exporter.Accounts;

/// <summary>
/// The outermost handler of every API client. It sends the request to the address of its account, and hands on an answer that is whole, no larger than
/// allowed, and there in time. What reads the answer then neither waits nor meets an unknown charset: Refit would read the body without the caller's token.
/// </summary>
internal sealed class ApiAccountHandler(ApiTraffic traffic, TimeProvider time) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var account = ApiAccount.Of(request);
        request.RequestUri = new Uri(account.Address.GetLeftPart(UriPartial.Path).TrimEnd('/') + request.RequestUri!.PathAndQuery);
        account.Calls?.Mark(request);
        if (account.AccessToken is { } token)
        {
            request.Headers.Authorization ??= new("Bearer", token.Reveal());
        }
        using var limit = new CancellationTokenSource(ApiLimits.LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var response = await base.SendAsync(request, either.Token);
            response.Content = await WholeAsync(response.Content, either.Token);
            return response;
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException && limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            traffic.Timeouts.Inc();
            throw new ApiTooSlowException();
        }
    }

    private static async Task<HttpContent> WholeAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using (content)
        {
            await content.LoadIntoBufferAsync(ApiLimits.LargestBody, cancellationToken);
            // JSON is UTF-8 (RFC 8259 section 8.1), whatever charset or media type the answer names.
            return new ByteArrayContent(await content.ReadAsByteArrayAsync(cancellationToken)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }
    }
}

/// <summary>How much of a provider's time and of our memory one answer may take.</summary>
public static class ApiLimits
{
    /// <summary>In bytes.</summary>
    public const int LargestBody = 16 * 1024 * 1024;

    /// <summary>For one answer, with all retries of it.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(90);
}

/// <summary>There was no whole answer within <see cref="ApiLimits.LongestWait"/>.</summary>
internal sealed class ApiTooSlowException : TimeoutException;
