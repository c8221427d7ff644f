using System.Net;

namespace Exporter.Webex;

/// <summary>The result of checking an access token at Webex.</summary>
public abstract record TokenCheck
{
    private TokenCheck() { }

    /// <param name="ExpiresAt">Null if Webex does not return it.</param>
    public sealed record Valid(DateTimeOffset? ExpiresAt) : TokenCheck;

    public sealed record Invalid(string Reason) : TokenCheck;

    /// <summary>The check failed, so the token can be valid or not.</summary>
    public sealed record Unknown(FailureKind Kind, string Reason, TimeSpan? RetryAfter) : TokenCheck;
}

/// <summary>Checks an access token at Webex with one request, without retries. Safe for concurrent use.</summary>
/// <param name="prepare">See <see cref="TokenEndpoint"/>.</param>
internal sealed class TokenProbe(HttpClient http, Uri api, TimeProvider time, Action<HttpRequestMessage>? prepare = null)
{
    private const int LargestBody = 1 << 20;

    /// <summary>Checks whether Webex accepts a service app's token for its data sources.</summary>
    public Task<TokenCheck> CheckServiceAppTokenAsync(Secret token, CancellationToken cancellationToken) => CheckAsync(
        token, "/v1/dataSources", "service app's token", (status, _) => status == HttpStatusCode.OK ? new TokenCheck.Valid(null) : null,
        cancellationToken);

    /// <summary>Checks whether a personal access token is valid, and reads its expiry.</summary>
    public async Task<TokenCheck> CheckPersonalTokenAsync(Secret token, CancellationToken cancellationToken)
    {
        const string What = "personal access token";
        // 403: the token is valid but lacks the scope for this request, as an integration's token does.
        var check = await CheckAsync(token, "/v1/people/me", What,
            (status, _) => status is HttpStatusCode.OK or HttpStatusCode.Forbidden ? new TokenCheck.Valid(null) : null, cancellationToken);
        if (check is not TokenCheck.Valid)
        {
            return check;
        }
        // Optional, because not every server has this endpoint.
        return await CheckAsync(token, "/v1/authorizations/tokenExpiry", What,
            (status, body) => status == HttpStatusCode.OK ? ReadExpiry(body) : null, cancellationToken) is TokenCheck.Valid expiry ? expiry : check;
    }

    /// <summary>The email address of a token's person; null if it is unknown or the token lacks the scope for it.</summary>
    public async Task<string?> FindPersonAsync(Secret token, CancellationToken cancellationToken)
    {
        string? person = null;
        await CheckAsync(token, "/v1/people/me", "personal access token", (status, body) =>
        {
            person = status == HttpStatusCode.OK ? PersonIn(JsonMembers.TryParse(body)) : null;
            return null;
        }, cancellationToken);
        return person;
    }

    private static string? PersonIn(JsonMembers? profile) => profile?.Texts("emails") is [var email, ..] ? email : profile?.Text("id");

    private async Task<TokenCheck> CheckAsync(
        Secret token, string path, string what, Func<HttpStatusCode, byte[], TokenCheck.Valid?> read, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api, path))
        {
            Headers = { Authorization = new("Bearer", token.Reveal()), Accept = { new("application/json") } },
        };
        prepare?.Invoke(request);
        using var limit = new CancellationTokenSource(TokenEndpoint.RequestTimeout, new RunningTime(time));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // Headers first, so that both limits apply to the body too.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(LargestBody, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return read(response.StatusCode, body) as TokenCheck ?? Failure(response, body, token, what);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new TokenCheck.Unknown(FailureKind.Timeout, $"Webex did not respond within {TokenEndpoint.RequestTimeout.TotalSeconds:0} s", null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new TokenCheck.Unknown(FailureKind.Network, $"Webex cannot be reached: {NetworkFailure.Describe(e)}", null);
        }
    }

    private TokenCheck Failure(HttpResponseMessage response, byte[] body, Secret token, string what)
    {
        var ids = response.Headers.TryGetValues("Trackingid", out var values) ? values : null;
        var details = WebexError.Describe(response.StatusCode, Json.Parse(body), ids, token);
        var wait = RetryAfter.Read(response, time);
        return (int)response.StatusCode switch
        {
            401 => new TokenCheck.Invalid($"Webex rejects the {what}: {details}"),
            423 or 429 => new TokenCheck.Unknown(FailureKind.RateLimited, $"Webex limits the rate of requests: {details}", wait),
            _ => new TokenCheck.Unknown(FailureKind.ServerError, $"Webex could not check the {what}: {details}", wait),
        };
    }

    /// <summary>Reads <c>{"exp"}</c> in Unix milliseconds.</summary>
    private static TokenCheck.Valid? ReadExpiry(byte[] body) =>
        JsonMembers.TryParse(body)?.Number("exp") is > 0 and < 1e14 and var expiry
            ? new TokenCheck.Valid(DateTimeOffset.FromUnixTimeMilliseconds((long)expiry))
            : null;
}
