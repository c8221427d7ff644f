using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Refit;

namespace Exporter.Ergani;

/// <summary>A kind of submission, or a service.</summary>
public sealed record ErganiEntry(string Code, string? Description);

/// <summary>A call of a service.</summary>
/// <param name="ServiceCode">For example <c>EX_BASE_01</c>.</param>
public sealed record ErganiServiceCall(string ServiceCode, IReadOnlyList<ErganiParameter> Parameters);

/// <summary>A parameter of a service.</summary>
public sealed record ErganiParameter(string ParameterName, string ParameterValue);

/// <summary>The result of a service, in the service's own JSON.</summary>
public sealed record ErganiServiceResult(JsonElement Json);

/// <summary>
/// The operations of Ergani's API that need only an account; <see cref="ErganiResponse"/> reads the responses. Ergani limits the number of
/// calls. Register it with <see cref="ErganiApiServices.AddErganiApi"/>. Safe for concurrent use.
/// </summary>
[Headers("Accept: application/json")]
public interface IErganiApi
{
    /// <summary>The kinds of submission that the account can make.</summary>
    [Get("/Lookup/Submissions")]
    Task<IApiResponse<IReadOnlyList<ErganiEntry>>> GetSubmissionsAsync(
        [Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    /// <summary>The services that the account can execute.</summary>
    [Get("/WebServices/ServicesList")]
    Task<IApiResponse<IReadOnlyList<ErganiEntry>>> GetServicesAsync(
        [Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    /// <summary>Executes a service. Results often contain personal data.</summary>
    [Post("/WebServices/ExecuteService")]
    Task<IApiResponse<ErganiServiceResult>> ExecuteServiceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] ErganiServiceCall request, CancellationToken cancellationToken);

    /// <summary>Revokes the refresh token. The access token stays valid until it expires, at most three hours.</summary>
    /// <param name="authorization">The access token for the logout, as <c>Bearer …</c>. Null uses the account's, renewed if necessary.</param>
    /// <param name="refreshToken">Sent as a bare JSON string.</param>
    [Post("/Authentication/Logout")]
    Task<IApiResponse> LogoutAsync(
        [Property(ApiAccount.Option)] ApiAccount account, [Header("Authorization")] string? authorization,
        [Body(BodySerializationMethod.Serialized, true)] string refreshToken, CancellationToken cancellationToken);
}

/// <summary>Registers Ergani's API in a service container.</summary>
public static class ErganiApiServices
{
    /// <summary>
    /// Registers <see cref="IErganiApi"/>: one client for all accounts. It adds the account's token to each request. After a 401 with
    /// <c>api-token-expired: true</c> it renews the token and repeats the request once.
    /// </summary>
    public static IServiceCollection AddErganiApi(this IServiceCollection services)
    {
        services.AddApiClient<IErganiApi>(ErganiSource.SourceName, ErganiJson.Default, IsTokenExpired);
        return services;
    }

    /// <summary>Ergani's guide, appendix II: a 401 without this header does not mean that the token has expired.</summary>
    private static ValueTask<bool> IsTokenExpired(HttpResponseMessage response, CancellationToken cancellationToken) => new(
        response.StatusCode == HttpStatusCode.Unauthorized && response.Headers.TryGetValues("api-token-expired", out var values)
        && values.Any(value => value.Trim().Equals("true", StringComparison.OrdinalIgnoreCase)));
}

/// <summary>Logs out at Ergani.</summary>
public static class ErganiLogout
{
    /// <summary>
    /// Logs out at Ergani. If the account's token manager holds the token, it also removes the token, from its store too, even if Ergani
    /// rejects the logout.
    /// </summary>
    /// <returns>True, or why Ergani did not log out.</returns>
    public static async Task<Result<bool, ApiFailure>> LogOutAsync(
        this IErganiApi api, ApiAccount account, Secret refreshToken, TimeProvider time, CancellationToken cancellationToken)
    {
        var current = account.TokenManager?.Snapshot.State.Token;
        if (account.TokenManager is not { } manager || !refreshToken.Equals(current?.RefreshToken))
        {
            return await api.LogOutAsync(account, refreshToken, current?.AccessToken, time, cancellationToken);
        }
        Result<bool, ApiFailure> result = new ApiFailure.NoToken("No request was sent to Ergani: there is no access token to log out with.");
        // Inside ForgetAsync, so that a concurrent renewal cannot create a token that stays valid at Ergani.
        var (problem, _) = await manager.ForgetAsync(async (token, forgetCancellation) =>
        {
            result = token is { RefreshToken: { } refresh, AccessToken: { } access }
                ? await api.LogOutAsync(account, refresh, access, time, forgetCancellation)
                : result;
            return null;
        }, cancellationToken);
        return problem is null ? result : new ApiFailure.Unavailable($"The token could not be removed from {manager.StoreLocation}: {problem}.");
    }

    /// <summary>Sends the request only. With an explicit access token, no token is renewed for the logout.</summary>
    internal static async Task<Result<bool, ApiFailure>> LogOutAsync(
        this IErganiApi api, ApiAccount account, Secret refreshToken, Secret? accessToken, TimeProvider time, CancellationToken cancellationToken)
    {
        var authorization = accessToken is null ? null : $"Bearer {accessToken.Reveal()}";
        return ErganiResponse.ReadLogout(await api.LogoutAsync(account, authorization, refreshToken.Reveal(), cancellationToken), time);
    }
}

internal sealed class EntriesConverter : ElementConverter<IReadOnlyList<ErganiEntry>>
{
    /// <summary>A submission has a code, a service has a name. Null if the JSON is not an array.</summary>
    protected override IReadOnlyList<ErganiEntry>? From(JsonElement json) => json.ValueKind != JsonValueKind.Array
        ? null
        : [.. from entry in json.EnumerateArray()
              where entry.ValueKind != JsonValueKind.Null
              let code = ErganiResponse.Text(entry, "code") ?? ErganiResponse.Text(entry, "name") ?? Json.TextOrNumber(entry) ?? ""
              select new ErganiEntry(code, ErganiResponse.Text(entry, "description"))];
}

internal sealed class ServiceResultConverter : ElementConverter<ErganiServiceResult>
{
    protected override ErganiServiceResult From(JsonElement json) => new(json);
}

[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ErganiServiceResult))]
[JsonSerializable(typeof(IReadOnlyList<ErganiEntry>))]
[JsonSerializable(typeof(ErganiServiceCall))]
[JsonSourceGenerationOptions(Converters = [typeof(EntriesConverter), typeof(ServiceResultConverter)])]
internal sealed partial class ErganiJson : JsonSerializerContext;
