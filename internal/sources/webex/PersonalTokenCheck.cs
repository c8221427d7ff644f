using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>What Webex says of a token that nobody told anything about.</summary>
internal abstract record TokenCheck
{
    private TokenCheck() { }

    /// <param name="EndsAt">Null where Webex does not say.</param>
    public sealed record Good(DateTimeOffset? EndsAt) : TokenCheck;

    public sealed record Bad(string Reason) : TokenCheck;

    /// <summary>It could not be asked, which says nothing about the token.</summary>
    public sealed record Unknown(FailureKind Kind, string Reason, TimeSpan? RetryAfter) : TokenCheck;
}

/// <summary>Asks Webex whether a personal access token is good, and until when. Safe for concurrent use.</summary>
internal sealed class PersonalTokenCheck(HttpClient http, Uri api, TimeProvider time)
{
    public async Task<TokenCheck> AskAsync(Secret token, CancellationToken cancellation)
    {
        // 403: the token is known, and is not for this question; an integration's has one scope and no more.
        var known = await AskAsync(token, "/v1/people/me", reply => reply.Status is HttpStatusCode.OK or HttpStatusCode.Forbidden ? new TokenCheck.Good(null) : null, cancellation);
        if (known is not TokenCheck.Good)
        {
            return known;
        }
        return await AskAsync(token, "/v1/authorizations/tokenExpiry", End, cancellation) switch
        {
            // Not served everywhere, and not needed: then nobody knows the end.
            TokenCheck.Bad or TokenCheck.Unknown => known,
            var ends => ends,
        };
    }

    private async Task<TokenCheck> AskAsync(Secret token, string path, Func<ApiReply, TokenCheck?> good, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api, path)) { Headers = { Authorization = new("Bearer", token.Reveal()) } };
        var answer = await ApiRequest.SendAsync<TokenCheck>(
            http, request, "Webex", reply => new ApiAnswer<TokenCheck>.Success(good(reply) ?? Failure(reply, token)), time, cancellation);
        return answer switch
        {
            ApiAnswer<TokenCheck>.Success(var check) => check,
            ApiAnswer<TokenCheck>.Failed(var failure) => new TokenCheck.Unknown(FailureKind.Network, failure.Reason.TrimEnd('.'), failure.RetryAfter),
            _ => throw new InvalidOperationException("an answer is good or not"),
        };
    }

    private static TokenCheck Failure(ApiReply reply, Secret token)
    {
        var says = WebexError.Says(reply, token);
        return reply.Status switch
        {
            HttpStatusCode.Unauthorized => new TokenCheck.Bad($"Webex does not accept the personal access token: {says}"),
            _ when WebexError.IsLimited(reply.Status) => new TokenCheck.Unknown(FailureKind.RateLimited, $"Webex asks for patience: {says}", reply.RetryAfter),
            _ => new TokenCheck.Unknown(FailureKind.ServerError, $"Webex could not say whether the personal access token is good: {says}", reply.RetryAfter),
        };
    }

    /// <summary><c>{"exp"}</c> in milliseconds since 1970.</summary>
    private static TokenCheck.Good? End(ApiReply reply)
    {
        try
        {
            return reply.Status == HttpStatusCode.OK && JsonMembers.Parse(reply.Body).Number("exp") is > 0 and < 1e14 and var end
                ? new TokenCheck.Good(DateTimeOffset.FromUnixTimeMilliseconds((long)end))
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
