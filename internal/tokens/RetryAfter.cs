using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>The <c>Retry-After</c> header in both of its forms, a number of seconds or a date (RFC 9110, section 10.2.3).</summary>
public static class RetryAfter
{
    /// <summary>The requested wait, never negative; null if the response has no such header.</summary>
    public static TimeSpan? Read(HttpResponseMessage response, TimeProvider time) => Read(response.Headers, time);

    /// <inheritdoc cref="Read(HttpResponseMessage, TimeProvider)"/>
    public static TimeSpan? Read(HttpResponseHeaders? headers, TimeProvider time)
    {
        var wait = ReadSigned(headers, time);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    /// <summary>The requested wait; negative if the response requests a time in the past.</summary>
    internal static TimeSpan? ReadSigned(HttpResponseHeaders? headers, TimeProvider time) =>
        headers?.RetryAfter?.Delta ?? headers?.RetryAfter?.Date - (headers?.Date ?? time.GetUtcNow());
}
