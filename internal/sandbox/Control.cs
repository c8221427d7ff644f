using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary><c>{"endpoint":"token","times":2,"fault":{"kind":"hang"}}</c>; without <c>times</c>, the fault applies until cleared.</summary>
internal sealed record FaultRequest(string Endpoint, Fault Fault, int? Times = null);

/// <summary>The user and scopes of a login; both are optional.</summary>
internal sealed record LoginRequest(string? User = null, IReadOnlyList<string>? Scope = null);

/// <summary>Lifetimes in seconds of tokens issued from now on. A lifetime left out stays as it is.</summary>
internal sealed record LifetimesRequest(double? Access = null, double? Refresh = null, double? Code = null);

internal sealed record EndpointState(int Requests, IReadOnlyList<PendingFault> Faults);

/// <param name="Tokens">The counters of the first kind of login. <paramref name="Levels"/> has all kinds if there are several.</param>
internal sealed record ProviderState(
    AuthorizationCounters Tokens, IReadOnlyDictionary<string, EndpointState> Endpoints,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, AuthorizationCounters>? Levels = null);

internal sealed record ControlError(string Error);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(FaultRequest))]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(LifetimesRequest))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, ProviderState>))]
[JsonSerializable(typeof(ControlError))]
internal sealed partial class ControlJson : JsonSerializerContext;

/// <summary>
/// The sandbox's control endpoints. <c>?provider=NAME</c> selects the provider; the default is the first one. <c>&amp;level=NAME</c> selects
/// the kind of login for <c>tokens</c>, <c>expire</c>, <c>revoke</c> and <c>lifetimes</c>; the default is the first one.
/// </summary>
internal static class Control
{
    public static void MapControl(this IEndpointRouteBuilder routes, IReadOnlyList<IProvider> providers)
    {
        void Map(string method, string path, Func<HttpContext, IProvider, Task<ProviderResponse>> handle) =>
            routes.MapMethods(path, [method], async context =>
            {
                var response = SelectProvider(providers, context.Request) is { } provider
                    ? await handle(context, provider)
                    : Error($"There is no such provider; there are: {string.Join(", ", providers.Select(provider => provider.Name))}.");
                await response.Write(context);
            });

        void MapLevel(string path, Func<HttpContext, IProvider, AuthorizationServer, Task<ProviderResponse>> handle) =>
            Map("POST", path, (context, provider) =>
                Level(context.Request) is not { } level ? handle(context, provider, provider.Authorization)
                : provider.Levels.TryGetValue(level, out var authorization) ? handle(context, provider, authorization)
                : Task.FromResult(Error($"{provider.Name} has no such level; it has: {string.Join(", ", provider.Levels.Keys)}.")));

        Map("GET", "/sandbox/state", (_, _) => Task.FromResult(
            Json(200, providers.ToDictionary(provider => provider.Name, State), ControlJson.Default.IReadOnlyDictionaryStringProviderState)));
        Map("POST", "/sandbox/faults", (context, provider) =>
            ReadAsync(context, ControlJson.Default.FaultRequest, request => AddFault(provider, request)));
        Map("DELETE", "/sandbox/faults", (_, provider) => Done(() =>
        {
            foreach (var endpoint in provider.Endpoints)
            {
                endpoint.Clear();
            }
        }));
        MapLevel("/sandbox/tokens", (context, provider, _) => ReadAsync(
            context, ControlJson.Default.LoginRequest, request => provider.Login(Level(context.Request), request.User, request.Scope)));
        MapLevel("/sandbox/expire", (_, _, level) => Done(level.ExpireAccessTokens));
        MapLevel("/sandbox/revoke", (_, _, level) => Done(level.RevokeAll));
        MapLevel("/sandbox/lifetimes", (context, _, level) =>
            ReadAsync(context, ControlJson.Default.LifetimesRequest, request => SetLifetimes(level, request)));
    }

    private static string? Level(HttpRequest request) => request.Query["level"] is [{ } name] ? name : null;

    private static IProvider? SelectProvider(IReadOnlyList<IProvider> providers, HttpRequest request) =>
        request.Query["provider"] is [{ } name] ? providers.FirstOrDefault(provider => provider.Name == name) : providers[0];

    private static ProviderState State(IProvider provider) => new(
        provider.Authorization.Counters,
        provider.Endpoints.ToDictionary(endpoint => endpoint.Name, endpoint => new EndpointState(endpoint.Requests, endpoint.Faults)),
        provider.Levels.Count > 1 ? provider.Levels.ToDictionary(level => level.Key, level => level.Value.Counters) : null);

    private static ProviderResponse AddFault(IProvider provider, FaultRequest request)
    {
        if (provider.Endpoints.FirstOrDefault(endpoint => endpoint.Name == request.Endpoint) is not { } endpoint)
        {
            return Error($"{provider.Name} has no endpoint of that name; it has: {string.Join(", ", provider.Endpoints.Select(e => e.Name))}.");
        }
        if (request.Times < 1)
        {
            return Error("times must be 1 or more; leave it out for all requests.");
        }
        if (request.Fault.Problem is { } problem)
        {
            return Error(problem);
        }
        endpoint.Fail(request.Fault, request.Times);
        return ProviderResponse.Empty(StatusCodes.Status204NoContent);
    }

    private static ProviderResponse SetLifetimes(AuthorizationServer level, LifetimesRequest request)
    {
        if (new[] { request.Access, request.Refresh, request.Code }.Any(seconds => seconds is not (null or (> 0 and < 1e10))))
        {
            return Error("A lifetime must be a number of seconds above zero.");
        }
        var current = level.Lifetimes;
        TimeSpan Or(double? seconds, TimeSpan otherwise) => seconds is { } value ? TimeSpan.FromSeconds(value) : otherwise;
        level.Lifetimes = new(Or(request.Access, current.Access), Or(request.Refresh, current.Refresh), Or(request.Code, current.Code));
        return ProviderResponse.Empty(StatusCodes.Status204NoContent);
    }

    private static Task<ProviderResponse> Done(Action act)
    {
        act();
        return Task.FromResult(ProviderResponse.Empty(StatusCodes.Status204NoContent));
    }

    private static async Task<ProviderResponse> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, Func<T, ProviderResponse> handle)
        where T : class
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            // An empty body means the defaults.
            var request = JsonSerializer.Deserialize(body.Length == 0 ? "{}"u8 : body.ToArray(), type);
            return request is null ? Error("The body is null.") : handle(request);
        }
        // The serializer throws NotSupportedException for a fault without a kind.
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            return Error(error.Message);
        }
    }

    private static ProviderResponse Error(string sentence) => Json(400, new ControlError(sentence), ControlJson.Default.ControlError);

    private static ProviderResponse Json<T>(int status, T value, JsonTypeInfo<T> type) =>
        ProviderResponse.Json(status, JsonSerializer.SerializeToUtf8Bytes(value, type));
}
