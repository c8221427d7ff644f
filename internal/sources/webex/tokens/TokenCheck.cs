using System.Net;
using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>What Webex says of an access token.</summary>
public abstract record TokenCheck
{
    private TokenCheck() { }

    /// <param name="EndsAt">Null where Webex does not say.</param>
    public sealed record Good(DateTimeOffset? EndsAt) : TokenCheck;

    public sealed record Bad(string Reason) : TokenCheck;

    /// <summary>It could not be asked, which says nothing about the token.</summary>
    public sealed record Unknown(FailureKind Kind, string Reason, TimeSpan? RetryAfter) : TokenCheck;
}

/// <summary>Asks Webex about an access token that somebody holds, once and without a retry. Safe for concurrent use.</summary>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
internal sealed class TokenProbe(HttpClient http, Uri api, TimeProvider time, Action<HttpRequestMessage>? prepare = null)
{
    private const int LargestAnswer = 1 << 20;

    /// <summary>Whether a service app's token is accepted for its data sources.</summary>
    public Task<TokenCheck> AskServiceAppAsync(Secret token, CancellationToken cancellationToken) =>
        AskAsync(token, "/v1/dataSources", "service app's token", (status, _) => status == HttpStatusCode.OK ? new TokenCheck.Good(null) : null, cancellationToken);

    /// <summary>Whether a personal access token is good, and until when.</summary>
    public async Task<TokenCheck> AskPersonalAsync(Secret token, CancellationToken cancellationToken)
    {
        const string What = "personal access token";
        // 403: the token is known, and is not for this question; an integration's has one scope and no more.
        var known = await AskAsync(
            token, "/v1/people/me", What, (status, _) => status is HttpStatusCode.OK or HttpStatusCode.Forbidden ? new TokenCheck.Good(null) : null, cancellationToken);
        if (known is not TokenCheck.Good)
        {
            return known;
        }
        return await AskAsync(token, "/v1/authorizations/tokenExpiry", What, (status, body) => status == HttpStatusCode.OK ? End(body) : null, cancellationToken) switch
        {
            // Not served everywhere, and not needed: then nobody knows the end.
            TokenCheck.Bad or TokenCheck.Unknown => known,
            var ends => ends,
        };
    }

    private async Task<TokenCheck> AskAsync(Secret token, string path, string what, Func<HttpStatusCode, byte[], TokenCheck.Good?> good, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api, path)) { Headers = { Authorization = new("Bearer", token.Reveal()), Accept = { new("application/json") } } };
        prepare?.Invoke(request);
        using var limit = new CancellationTokenSource(TokenEndpoint.RequestTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // Headers first, so that both limits hold for the body as well.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(LargestAnswer, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return good(response.StatusCode, body) as TokenCheck ?? Failure(response, body, token, what);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new TokenCheck.Unknown(FailureKind.Timeout, $"Webex did not answer within {TokenEndpoint.RequestTimeout.TotalSeconds:0} s", null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new TokenCheck.Unknown(FailureKind.Network, $"Webex cannot be reached: {Sanitize.Line(e.GetBaseException().Message).TrimEnd('.')}", null);
        }
    }

    private TokenCheck Failure(HttpResponseMessage response, byte[] body, Secret token, string what)
    {
        var says = WebexError.Says(response.StatusCode, Json(body), response.Headers.TryGetValues("Trackingid", out var ids) ? ids : null, token);
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? header?.Date - time.GetUtcNow();
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => new TokenCheck.Bad($"Webex does not accept the {what}: {says}"),
            _ when WebexError.IsLimited(response.StatusCode) => new TokenCheck.Unknown(FailureKind.RateLimited, $"Webex asks for patience: {says}", wait),
            _ => new TokenCheck.Unknown(FailureKind.ServerError, $"Webex could not say whether the {what} is good: {says}", wait),
        };
    }

    /// <summary><c>{"exp"}</c> in milliseconds since 1970.</summary>
    private static TokenCheck.Good? End(byte[] body) =>
        Json(body) is { } json && WebexError.Members(json)?.Number("exp") is > 0 and < 1e14 and var end ? new TokenCheck.Good(DateTimeOffset.FromUnixTimeMilliseconds((long)end)) : null;

    private static JsonElement? Json(byte[] body)
    {
        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
