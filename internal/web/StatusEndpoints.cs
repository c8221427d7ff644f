using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Net.Http.Headers;

namespace Exporter.Web;

/// <summary>The endpoints for programs: health, state of the accounts, version and, if enabled, debug data.</summary>
internal static class StatusEndpoints
{
    public const string Reload = "/-/reload";

    /// <summary>The paths that accept any host name on every address, in addition to the metrics page.</summary>
    public static readonly IReadOnlyList<string> ForPrograms = [Healthy, Ready, Health, Status];

    private const string Healthy = "/-/healthy";
    private const string Ready = "/-/ready";

    /// <summary>The same as <see cref="Healthy"/>, for programs that expect this name.</summary>
    private const string Health = "/healthz";
    private const string Status = "/api/status";
    private const string MediaType = "application/json";

    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Ready means configured and listening. A lost token does not count, or a proxy would hide the page that explains it.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        foreach (var path in new[] { Healthy, Health })
        {
            routes.MapMethods(path, Read, () => TypedResults.Text("The exporter is healthy.\n"));
        }
        routes.MapMethods(Ready, Read, (HttpContext context) => context.RequestServices.GetService<IReadiness>()?.Waiting is { } waiting
            ? TypedResults.Text($"{waiting}\n", statusCode: StatusCodes.Status503ServiceUnavailable)
            : TypedResults.Text("The exporter is ready.\n"));
    }

    /// <summary>
    /// Reads the configuration again. A page of another site can send a POST too, so a request with a browser's headers is rejected.
    /// </summary>
    public static void MapReload(this IEndpointRouteBuilder routes) => routes.MapPost(Reload, async (HttpContext context) =>
    {
        if (context.Request.Headers.ContainsKey(HeaderNames.Origin) || context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "none"))
        {
            return Lines(
                StatusCodes.Status403Forbidden, ["A browser must not reload the configuration. Send the request with a program, such as curl."]);
        }
        try
        {
            var result = await context.RequestServices.GetRequiredService<ConfigurationReload>().ReloadAsync(context.RequestAborted);
            return result.Succeeded
                ? Lines(StatusCodes.Status200OK, ["The configuration was reloaded.", .. result.Changes, .. result.Warnings])
                : Lines(StatusCodes.Status500InternalServerError,
                    ["The configuration was not reloaded, and nothing was changed:", .. result.Problems]);
        }
        catch (OperationCanceledException)
        {
            return Lines(StatusCodes.Status503ServiceUnavailable, ["The exporter is shutting down."]);
        }
    });

    private static IResult Lines(int status, IEnumerable<string> lines) =>
        Results.Text(string.Concat(lines.Select(line => $"{line}\n")), statusCode: status);

    /// <summary>The state of all accounts, or of one. <c>docs/api.md</c> describes it.</summary>
    public static void MapStatus(this IEndpointRouteBuilder routes, IAccountDirectory accounts, BuildInfo build, TimeProvider time) =>
        routes.MapMethods(Status, Read, async Task<IResult> (HttpContext context, string? account) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            if (string.IsNullOrEmpty(account) && !accounts.ListsAll)
            {
                return TypedResults.Text("There may be many accounts. Add ?account=NAME, or list them with GET /api/accounts.\n",
                    statusCode: StatusCodes.Status400BadRequest);
            }
            var selected = await SelectAsync(accounts, account, context.RequestAborted);
            return selected.Count == 0 && !string.IsNullOrEmpty(account)
                ? TypedResults.Text("There is no account of that name.\n", statusCode: StatusCodes.Status404NotFound)
                : TypedResults.Json(
                    StatusDocument.Of(selected, build.Version, time.GetUtcNow()), AccountStatusJson.Readable.StatusDocument, MediaType);
        });

    public static void MapVersion(this IEndpointRouteBuilder routes, BuildInfo build) =>
        routes.MapMethods("/version", Read, () => TypedResults.Json(build, StatusJson.Default.BuildInfo, MediaType));

    /// <summary>Shows what is in memory, without secrets. Sends nothing to a provider.</summary>
    public static void MapDebug(this IEndpointRouteBuilder routes, IAccountDirectory accounts)
    {
        var debug = routes.MapGroup("/debug").AddEndpointFilter((context, next) =>
        {
            context.HttpContext.Response.Headers.CacheControl = "no-store";
            return next(context);
        });
        debug.MapMethods("data", Read, async (HttpContext context, string? account) => TypedResults.Json(
            (await SelectAsync(accounts, account, context.RequestAborted))
                .ToDictionary(a => a.Name, a => a.DebugData() is { } data ? JsonElement.Parse(data) : default(JsonElement?)),
            StatusJson.Default.DictionaryStringNullableJsonElement, MediaType));
        debug.MapMethods("token", Read, async (HttpContext context, string? account) => TypedResults.Json(
            (await SelectAsync(accounts, account, context.RequestAborted)).ToDictionary(a => a.Name, TokenStatus.Of),
            StatusJson.Default.DictionaryStringTokenStatus, MediaType));
    }

    /// <summary>All accounts, or the one of that name.</summary>
    private static async ValueTask<IReadOnlyList<Account>> SelectAsync(
        IAccountDirectory accounts, string? name, CancellationToken cancellationToken) =>
        string.IsNullOrEmpty(name) ? accounts.Listed
        : await accounts.FindAsync(name, cancellationToken) is { } account ? [account]
        : [];
}

/// <summary>The state of an account's token, without the token.</summary>
internal sealed record TokenStatus(
    string State, bool HasAccessToken, bool HasRefreshToken, DateTimeOffset? Expiry, DateTimeOffset? NextRenewal, string Store, string? Unpersisted,
    string? LastError)
{
    public static TokenStatus Of(Account account)
    {
        var (manager, snapshot) = (account.TokenManager, account.TokenManager.Snapshot);
        var token = snapshot.State.Token;
        return new TokenStatus(
            AccountMetrics.NameOf(snapshot), token?.AccessToken is not null, token?.RefreshToken is not null, token?.ExpiresAt,
            manager.NextRenewal, manager.StoreLocation, snapshot.Unpersisted?.Reason, snapshot.History.LastError);
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BuildInfo))]
[JsonSerializable(typeof(Dictionary<string, TokenStatus>))]
[JsonSerializable(typeof(Dictionary<string, JsonElement?>))]
internal sealed partial class StatusJson : JsonSerializerContext;
