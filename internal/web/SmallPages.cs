using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Web;

/// <summary>The pages that programs read: health, version, and behind their flag the debug pages.</summary>
internal static class SmallPages
{
    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Ready means configured and listening. A dead token does not make it unready, or the page that says so would be taken away.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/-");
        health.MapMethods("healthy", Read, () => TypedResults.Text("The exporter is healthy.\n"));
        health.MapMethods("ready", Read, () => TypedResults.Text("The exporter is ready.\n"));
    }

    public static void MapVersion(this IEndpointRouteBuilder routes, BuildInfo build) =>
        routes.MapMethods("/version", Read, () => TypedResults.Json(build, PagesJson.Default.BuildInfo, MediaType));

    /// <summary>From memory, never from the provider, and without a secret.</summary>
    public static void MapDebug(this IEndpointRouteBuilder routes, IReadOnlyList<Account> accounts)
    {
        var debug = routes.MapGroup("/debug");
        debug.MapMethods("data", Read, (string? account) => TypedResults.Json(
            Asked(account).ToDictionary(a => a.Name, a => a.DebugData() is { } data ? JsonElement.Parse(data) : default(JsonElement?)), PagesJson.Default.DictionaryStringNullableJsonElement, MediaType));
        debug.MapMethods("token", Read, (string? account) => TypedResults.Json(
            Asked(account).ToDictionary(a => a.Name, TokenPage.Of), PagesJson.Default.DictionaryStringTokenPage, MediaType));

        IEnumerable<Account> Asked(string? account) => account is { Length: > 0 } ? accounts.Where(a => a.Name == account) : accounts;
    }

    private const string MediaType = "application/json";
}

/// <summary>The state of an account's token, without the token.</summary>
internal sealed record TokenPage(
    string State, bool HasAccessToken, bool HasRefreshToken, DateTimeOffset? Expiry, DateTimeOffset? NextRenewal, string Store, string? Unpersisted, string? LastError)
{
    public static TokenPage Of(Account account)
    {
        var (snapshot, token) = (account.TokenManager.Snapshot, account.TokenManager.Snapshot.State.Token);
        return new TokenPage(
            AccountMetrics.NameOf(snapshot.State), token?.AccessToken is not null, token?.RefreshToken is not null, token?.ExpiresAt, account.TokenManager.NextRenewal,
            account.TokenManager.StoreLocation, snapshot.Unpersisted?.Reason, snapshot.History.LastError);
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BuildInfo))]
[JsonSerializable(typeof(Dictionary<string, TokenPage>))]
[JsonSerializable(typeof(Dictionary<string, JsonElement?>))]
internal sealed partial class PagesJson : JsonSerializerContext;
