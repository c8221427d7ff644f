using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Refit;

namespace Exporter.Ergani;

/// <summary>A thing that Ergani offers: a kind of submission, or a service.</summary>
/// <param name="Code">By which it is asked for.</param>
public sealed record ErganiEntry(string Code, string? Description);

/// <summary>A call of a service.</summary>
/// <param name="ServiceCode">Such as <c>EX_BASE_01</c>.</param>
public sealed record ErganiServiceCall(string ServiceCode, IReadOnlyList<ErganiParameter> Parameters);

/// <summary>A parameter of a service.</summary>
public sealed record ErganiParameter(string ParameterName, string ParameterValue);

/// <summary>
/// The operations of Ergani's API that need no more than an account; <see cref="ErganiAnswer"/> reads what they answer. Ergani watches how often it is
/// asked: do not ask without need. Register it with <see cref="ErganiApiServices.AddErganiApi"/>. Safe for concurrent use.
/// </summary>
[Headers("Accept: application/json")]
public interface IErganiApi
{
    /// <summary>The kinds of submission that this account may make.</summary>
    [Get("/Lookup/Submissions")]
    Task<IApiResponse<ErganiSubmissions>> GetSubmissionsAsync([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    /// <summary>The services that this account may execute.</summary>
    [Get("/WebServices/ServicesList")]
    Task<IApiResponse<ErganiServices>> GetServicesAsync([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    /// <summary>Executes a service; the answer often has personal data.</summary>
    [Post("/WebServices/ExecuteService")]
    Task<IApiResponse<ErganiServiceAnswer>> ExecuteServiceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] ErganiServiceCall order, CancellationToken cancellationToken);

    /// <summary>The refresh token is worthless afterwards; the access token stays good until it ends, three hours at most.</summary>
    /// <param name="authorization">The access token to log out with, <c>Bearer …</c>; null is the account's, renewed if need be.</param>
    /// <param name="refreshToken">Sent as a bare JSON string.</param>
    [Post("/Authentication/Logout")]
    Task<IApiResponse> LogoutAsync(
        [Property(ApiAccount.Option)] ApiAccount account, [Header("Authorization")] string? authorization, [Body(BodySerializationMethod.Serialized, true)] string refreshToken,
        CancellationToken cancellationToken);
}

/// <summary>The answer of <see cref="IErganiApi.GetSubmissionsAsync"/>.</summary>
public sealed record ErganiSubmissions(IReadOnlyList<ErganiEntry> Entries);

/// <summary>The answer of <see cref="IErganiApi.GetServicesAsync"/>.</summary>
public sealed record ErganiServices(IReadOnlyList<ErganiEntry> Entries);

/// <summary>The answer of <see cref="IErganiApi.ExecuteServiceAsync"/>: JSON as the service gives it.</summary>
public sealed record ErganiServiceAnswer(JsonElement Json);

/// <summary>Ergani's API as a service of a container.</summary>
public static class ErganiApiServices
{
    /// <summary>
    /// Registers <see cref="IErganiApi"/>: one client for all accounts. It puts the account's token on each request, and renews and repeats once on 401 with
    /// <c>api-token-expired: true</c>, which is Ergani's word for an access token that has expired; any other 401 is not about the token's age.
    /// </summary>
    public static IServiceCollection AddErganiApi(this IServiceCollection services)
    {
        services.AddApiClient<IErganiApi>(ErganiSource.SourceName, ErganiJson.Default, TokenHasEnded);
        return services;
    }

    private static ValueTask<bool> TokenHasEnded(HttpResponseMessage response, CancellationToken cancellationToken) => new(
        response.StatusCode == HttpStatusCode.Unauthorized
        && response.Headers.TryGetValues("api-token-expired", out var values) && values.Any(v => v.Trim().Equals("true", StringComparison.OrdinalIgnoreCase)));
}

/// <summary>Ends logins.</summary>
public static class ErganiLogout
{
    /// <summary>Logs out at Ergani. If the token is the one that the account's token manager holds, the token manager forgets it, in its store too, whatever Ergani answers.</summary>
    /// <returns>True; or why Ergani did not log out.</returns>
    public static async Task<PollResult<bool>> LogOutAsync(this IErganiApi api, ApiAccount account, Secret refreshToken, TimeProvider time, CancellationToken cancellationToken)
    {
        var ours = account.TokenManager?.Snapshot.State.Token;
        if (account.TokenManager is not { } manager || !refreshToken.Equals(ours?.RefreshToken))
        {
            return await api.LogOutAsync(account, refreshToken, ours?.AccessToken, time, cancellationToken);
        }
        PollResult<bool> answer = new ApiFailure.NoToken("Ergani was not asked: there is no access token to log out with.");
        // In the token manager's turn, and with the token it holds then: one that a renewal gave meanwhile would live on at Ergani.
        var kept = await manager.ForgetAsync(async (held, end) =>
        {
            answer = held is { RefreshToken: { } refresh, AccessToken: { } access } ? await api.LogOutAsync(account, refresh, access, time, end) : answer;
            return null;
        }, cancellationToken);
        return kept is null ? answer : new ApiFailure.Unavailable($"The token could not be removed from {manager.StoreLocation}: {kept}.");
    }

    /// <summary>The call alone. With an access token of its own it renews nothing for the sake of a logout.</summary>
    internal static async Task<PollResult<bool>> LogOutAsync(
        this IErganiApi api, ApiAccount account, Secret refreshToken, Secret? accessToken, TimeProvider time, CancellationToken cancellationToken) =>
        ErganiAnswer.ReadLogout(
            await api.LogoutAsync(account, accessToken is null ? null : $"Bearer {accessToken.Reveal()}", refreshToken.Reveal(), cancellationToken), time);
}

internal sealed class SubmissionsConverter : ElementConverter<ErganiSubmissions>
{
    protected override ErganiSubmissions? From(JsonElement json) => ErganiAnswer.Entries(json, "code") is { } entries ? new(entries) : null;
}

internal sealed class ServicesConverter : ElementConverter<ErganiServices>
{
    protected override ErganiServices? From(JsonElement json) => ErganiAnswer.Entries(json, "name") is { } entries ? new(entries) : null;
}

internal sealed class ServiceAnswerConverter : ElementConverter<ErganiServiceAnswer>
{
    protected override ErganiServiceAnswer From(JsonElement json) => new(json);
}

[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ErganiServiceAnswer))]
[JsonSerializable(typeof(ErganiSubmissions))]
[JsonSerializable(typeof(ErganiServices))]
[JsonSerializable(typeof(ErganiServiceCall))]
[JsonSourceGenerationOptions(Converters = [typeof(SubmissionsConverter), typeof(ServicesConverter), typeof(ServiceAnswerConverter)])]
internal sealed partial class ErganiJson : JsonSerializerContext;
