using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Ergani;

/// <summary>A thing the cloud offers: a kind of submission, or a service.</summary>
/// <param name="Code">By which it is asked for.</param>
public sealed record ErganiEntry(string Code, string? Description);

/// <summary>
/// The operations of Ergani's API that need no more than an account. What goes wrong is a value: they throw for the caller's
/// cancellation only. Ergani watches how often it is asked; do not ask without need.
/// </summary>
public interface IErganiApi
{
    /// <summary><c>GET Lookup/Submissions</c>: the kinds of submission that this account may make.</summary>
    Task<ApiAnswer<IReadOnlyList<ErganiEntry>>> GetSubmissionsAsync(CancellationToken cancellation);

    /// <summary><c>GET WebServices/ServicesList</c>: the services that this account may execute.</summary>
    Task<ApiAnswer<IReadOnlyList<ErganiEntry>>> GetServicesAsync(CancellationToken cancellation);

    /// <summary><c>POST WebServices/ExecuteService</c>: the answer is JSON as the service gives it, often with personal data.</summary>
    /// <param name="serviceCode">Such as <c>EX_BASE_01</c>.</param>
    Task<ApiAnswer<JsonElement>> ExecuteServiceAsync(string serviceCode, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation);

    /// <summary>
    /// <c>POST Authentication/Logout</c>: the refresh token is worthless afterwards; the access token stays good until it ends, three
    /// hours at most. Where the API was connected to a keeper and this is its token, it forgets it, in its store too, whatever the cloud says.
    /// </summary>
    /// <returns>True; or why the cloud did not log out.</returns>
    Task<ApiAnswer<bool>> LogoutAsync(Secret refreshToken, CancellationToken cancellation);
}

/// <summary>Ergani's API over HTTP. Safe for concurrent use.</summary>
/// <param name="http">Brings the environment's address, and a handler that puts the token on a request.</param>
/// <param name="keeper">Whose token it is; null for a token that nobody keeps.</param>
public sealed class ErganiApi(HttpClient http, TimeProvider time, Keeper? keeper = null) : IErganiApi
{
    /// <summary>
    /// An HTTP client for the environment that puts the keeper's token on each request. It renews and repeats once on 401 with
    /// <c>api-token-expired: true</c>, which is Ergani's word for an access token that has ended; any other 401 is no matter of the token's age.
    /// </summary>
    public static HttpClient CreateHttp(ErganiEnvironment environment, Keeper keeper, TimeProvider time) =>
        CreateHttp(environment, new TokenHandler(keeper, TokenHasEnded), ApiResilience.CreateHandler(time));

    /// <summary>The same with a token that somebody else cares for: nothing is renewed.</summary>
    public static HttpClient CreateHttp(ErganiEnvironment environment, Secret accessToken, TimeProvider time) =>
        CreateHttp(environment, new DirectTokenHandler(accessToken), ApiResilience.CreateHandler(time));

    public Task<ApiAnswer<IReadOnlyList<ErganiEntry>>> GetSubmissionsAsync(CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, "Lookup/Submissions"), body => Entries(body, "code"), cancellation);

    public Task<ApiAnswer<IReadOnlyList<ErganiEntry>>> GetServicesAsync(CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, "WebServices/ServicesList"), body => Entries(body, "name"), cancellation);

    public Task<ApiAnswer<JsonElement>> ExecuteServiceAsync(string serviceCode, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation)
    {
        var order = new WireOrder(serviceCode, [.. parameters.Select(p => new WireParameter(p.Key, p.Value))]);
        var request = new HttpRequestMessage(HttpMethod.Post, "WebServices/ExecuteService") { Content = Json(JsonSerializer.SerializeToUtf8Bytes(order, ErganiJson.Default.WireOrder)) };
        return SendAsync(request, body => body, cancellation);
    }

    public async Task<ApiAnswer<bool>> LogoutAsync(Secret refreshToken, CancellationToken cancellation)
    {
        var ours = keeper?.Snapshot.State.Token;
        if (keeper is null || !refreshToken.Equals(ours?.RefreshToken))
        {
            return await LogoutAsync(refreshToken, ours?.AccessToken, cancellation);
        }
        ApiAnswer<bool> answer = new ApiAnswer<bool>.Failed(new ApiFailure.NoToken("Ergani was not asked: there is no access token to log out with."));
        // In the keeper's turn, and what is held then: a token that a renewal gave meanwhile would live on at Ergani.
        var kept = await keeper.ForgetAsync(async (held, end) =>
        {
            answer = held is { RefreshToken: { } refresh, AccessToken: { } access } ? await LogoutAsync(refresh, access, end) : answer;
            return null;
        }, cancellation);
        return kept is null ? answer : new ApiAnswer<bool>.Failed(new ApiFailure.Unavailable($"The token could not be removed from {keeper.StoreLocation}: {kept}."));
    }

    /// <summary>The call alone. The body is a bare JSON string; with an access token of its own it renews nothing for the sake of a logout.</summary>
    internal Task<ApiAnswer<bool>> LogoutAsync(Secret refreshToken, Secret? accessToken, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "Authentication/Logout") { Content = Json(JsonSerializer.SerializeToUtf8Bytes(refreshToken.Reveal(), ErganiJson.Default.String)) };
        request.Headers.Authorization = accessToken is null ? null : new("Bearer", accessToken.Reveal());
        return ApiRequest.SendAsync(
            http, request, "Ergani", reply => reply.Status == HttpStatusCode.OK ? new ApiAnswer<bool>.Success(true) : ErganiAnswer.Failure<bool>(reply), time, cancellation);
    }

    internal static HttpClient CreateHttp(ErganiEnvironment environment, DelegatingHandler token, HttpMessageHandler network) =>
        new(token.Over(network)) { BaseAddress = environment.Address, Timeout = Timeout.InfiniteTimeSpan };

    internal static ValueTask<bool> TokenHasEnded(HttpResponseMessage response, CancellationToken cancellation) => new(
        response.StatusCode == HttpStatusCode.Unauthorized
        && response.Headers.TryGetValues("api-token-expired", out var values) && values.Any(v => v.Trim().Equals("true", StringComparison.OrdinalIgnoreCase)));

    private Task<ApiAnswer<T>> SendAsync<T>(HttpRequestMessage request, Func<JsonElement, T?> read, CancellationToken cancellation) =>
        ApiRequest.SendAsync(http, request, "Ergani", reply => ErganiAnswer.Read(reply, read), time, cancellation);

    private static ReadOnlyMemoryContent Json(byte[] body) => new(body) { Headers = { ContentType = new("application/json") } };

    private static IReadOnlyList<ErganiEntry>? Entries(JsonElement body, string code) => body.ValueKind != JsonValueKind.Array
        ? null
        : [.. from entry in body.EnumerateArray()
              where entry.ValueKind == JsonValueKind.Object
              select new ErganiEntry(ErganiAnswer.Text(entry, code) ?? "", ErganiAnswer.Text(entry, "description"))];
}

/// <summary>What an answer of Ergani's API means.</summary>
internal static class ErganiAnswer
{
    /// <param name="read">The value of a good answer; null when it is none.</param>
    public static ApiAnswer<T> Read<T>(ApiReply reply, Func<JsonElement, T?> read)
    {
        if (reply.Status != HttpStatusCode.OK)
        {
            return Failure<T>(reply);
        }
        return Parse(reply.Body) is { } body && read(body) is { } value
            ? new ApiAnswer<T>.Success(value)
            : new ApiAnswer<T>.Failed(new ApiFailure.Unavailable("Ergani's answer is not the API's: HTTP 200 with another body. Is the environment's address right?"));
    }

    public static ApiAnswer<T> Failure<T>(ApiReply reply)
    {
        var says = Says(reply);
        ApiFailure failure = (int)reply.Status switch
        {
            429 => new ApiFailure.RateLimited($"Ergani limits how often it may be asked: {says}."),
            408 or >= 500 => new ApiFailure.Unavailable($"Ergani has a problem of its own: {says}."),
            401 => new ApiFailure.TokenRefused($"Ergani does not accept the access token: {says}."),
            >= 300 and < 400 => new ApiFailure.Unavailable($"Ergani sends us elsewhere: {says}. Is the environment's address right?"),
            _ => new ApiFailure.Rejected($"Ergani rejects the request: {says}."),
        };
        return new ApiAnswer<T>.Failed(failure with { RetryAfter = reply.RetryAfter });
    }

    /// <summary>The text or number of a member, whatever the case of its name: the service spells as it likes.</summary>
    public static string? Text(JsonElement element, string name) => Member(element, name) switch
    {
        { ValueKind: JsonValueKind.String } text => ApiJson.Text(text),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    public static JsonElement? Member(JsonElement element, string name) => ApiJson.Member(element, name, StringComparison.OrdinalIgnoreCase);

    /// <summary>A refusal is <c>{"message"}</c> or a bare JSON string; several messages stand in one, with a written-out \n between them.</summary>
    private static string Says(ApiReply reply)
    {
        var message = Parse(reply.Body) switch
        {
            { ValueKind: JsonValueKind.String } text => ApiJson.Text(text),
            { ValueKind: JsonValueKind.Object } body => Text(body, "message"),
            _ => null,
        };
        var line = Plain.Line((message ?? "").Replace("\\n", "; ", StringComparison.Ordinal)).Trim();
        return line.Length > 0 ? $"\"{line}\" (HTTP {(int)reply.Status})" : $"HTTP {(int)reply.Status}";
    }

    private static JsonElement? Parse(byte[] body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

internal sealed record WireOrder(string ServiceCode, IReadOnlyList<WireParameter> Parameters);

internal sealed record WireParameter(string ParameterName, string ParameterValue);

[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(WireOrder))]
internal sealed partial class ErganiJson : JsonSerializerContext;
