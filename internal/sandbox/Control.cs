using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary><c>{"endpoint":"token","times":2,"fault":{"kind":"hang"}}</c>; without <c>times</c> until cleared.</summary>
internal sealed record FaultOrder(string Endpoint, Fault Fault, int? Times = null);

/// <summary>Whose login; both may be left out.</summary>
internal sealed record LoginOrder(string? User = null, IReadOnlyList<string>? Scope = null);

/// <summary>Lifetimes of tokens issued from now on, in seconds; what is left out stays.</summary>
internal sealed record LifetimesOrder(double? Access = null, double? Refresh = null, double? Code = null);

internal sealed record EndpointState(int Requests, IReadOnlyList<PendingFault> Faults);

/// <param name="Tokens">Of the first kind of login; where a provider has several, all stand in <paramref name="Levels"/>.</param>
internal sealed record ProviderState(
    AuthorizationCounters Tokens, IReadOnlyDictionary<string, EndpointState> Endpoints,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, AuthorizationCounters>? Levels = null);

internal sealed record ControlError(string Error);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(FaultOrder))]
[JsonSerializable(typeof(LoginOrder))]
[JsonSerializable(typeof(LifetimesOrder))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, ProviderState>))]
[JsonSerializable(typeof(ControlError))]
internal sealed partial class ControlJson : JsonSerializerContext;

/// <summary>
/// The sandbox's own endpoints, for people and scripts: <c>?provider=NAME</c> chooses, without it the first provider is meant. Where a provider has logins
/// of several kinds, <c>&amp;level=NAME</c> chooses one for <c>tokens</c>, <c>expire</c>, <c>revoke</c> and <c>lifetimes</c>; without it the first is meant.
/// </summary>
internal static class Control
{
    public static void MapControl(this IEndpointRouteBuilder routes, IReadOnlyList<IProvider> providers)
    {
        void Map(string method, string path, Func<HttpContext, IProvider, Task<Answer>> act) => routes.MapMethods(path, [method], async context =>
        {
            var answer = Chosen(providers, context.Request) is { } provider
                ? await act(context, provider)
                : Refused($"There is no such provider; there are: {string.Join(", ", providers.Select(c => c.Name))}.");
            await answer.Write(context);
        });

        Map("GET", "/sandbox/state", (_, _) => Task.FromResult(Written(200, providers.ToDictionary(c => c.Name, State), ControlJson.Default.IReadOnlyDictionaryStringProviderState)));
        Map("POST", "/sandbox/faults", (context, provider) => Ordered(context, ControlJson.Default.FaultOrder, order => Fail(provider, order)));
        Map("DELETE", "/sandbox/faults", (_, provider) => Done(() =>
        {
            foreach (var endpoint in provider.Endpoints)
            {
                endpoint.Clear();
            }
        }));
        void MapLevel(string path, Func<HttpContext, IProvider, AuthorizationServer, Task<Answer>> act) => Map("POST", path, (context, provider) =>
            Level(context.Request) is not { } level ? act(context, provider, provider.Authorization)
            : provider.Levels.TryGetValue(level, out var authorization) ? act(context, provider, authorization)
            : Task.FromResult(Refused($"{provider.Name} has no such level; it has: {string.Join(", ", provider.Levels.Keys)}.")));

        MapLevel("/sandbox/tokens", (context, provider, _) => Ordered(context, ControlJson.Default.LoginOrder, order => provider.Login(Level(context.Request), order.User, order.Scope)));
        MapLevel("/sandbox/expire", (_, _, level) => Done(level.ExpireAccessTokens));
        MapLevel("/sandbox/revoke", (_, _, level) => Done(level.RevokeAll));
        MapLevel("/sandbox/lifetimes", (context, _, level) => Ordered(context, ControlJson.Default.LifetimesOrder, order => Live(level, order)));
    }

    private static string? Level(HttpRequest request) => request.Query["level"] is [{ } name] ? name : null;

    private static IProvider? Chosen(IReadOnlyList<IProvider> providers, HttpRequest request) =>
        request.Query["provider"] is [{ } name] ? providers.FirstOrDefault(provider => provider.Name == name) : providers[0];

    private static ProviderState State(IProvider provider) => new(
        provider.Authorization.Counters,
        provider.Endpoints.ToDictionary(endpoint => endpoint.Name, endpoint => new EndpointState(endpoint.Requests, endpoint.Faults)),
        provider.Levels.Count > 1 ? provider.Levels.ToDictionary(level => level.Key, level => level.Value.Counters) : null);

    private static Answer Fail(IProvider provider, FaultOrder order)
    {
        if (provider.Endpoints.FirstOrDefault(endpoint => endpoint.Name == order.Endpoint) is not { } endpoint)
        {
            return Refused($"{provider.Name} has no endpoint of that name; it has: {string.Join(", ", provider.Endpoints.Select(e => e.Name))}.");
        }
        if (order.Times < 1)
        {
            return Refused("times is a number of requests, 1 or more; leave it out for all of them.");
        }
        if (order.Fault.Problem is { } problem)
        {
            return Refused(problem);
        }
        endpoint.Fail(order.Fault, order.Times);
        return Answer.Empty(StatusCodes.Status204NoContent);
    }

    private static Answer Live(AuthorizationServer level, LifetimesOrder order)
    {
        if (new[] { order.Access, order.Refresh, order.Code }.Any(seconds => seconds is not (null or (> 0 and < 1e10))))
        {
            return Refused("A lifetime is a number of seconds above zero.");
        }
        var now = level.Lifetimes;
        TimeSpan Or(double? seconds, TimeSpan otherwise) => seconds is { } given ? TimeSpan.FromSeconds(given) : otherwise;
        level.Lifetimes = new(Or(order.Access, now.Access), Or(order.Refresh, now.Refresh), Or(order.Code, now.Code));
        return Answer.Empty(StatusCodes.Status204NoContent);
    }

    private static Task<Answer> Done(Action act)
    {
        act();
        return Task.FromResult(Answer.Empty(StatusCodes.Status204NoContent));
    }

    private static async Task<Answer> Ordered<T>(HttpContext context, JsonTypeInfo<T> shape, Func<T, Answer> act)
        where T : class
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            // No body at all orders nothing in particular.
            var order = JsonSerializer.Deserialize(body.Length == 0 ? "{}"u8 : body.ToArray(), shape);
            return order is null ? Refused("The order is null.") : act(order);
        }
        // Not supported is what a fault without a kind is said to be.
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            return Refused(error.Message);
        }
    }

    private static Answer Refused(string sentence) => Written(400, new ControlError(sentence), ControlJson.Default.ControlError);

    private static Answer Written<T>(int status, T value, JsonTypeInfo<T> shape) => Answer.Json(status, JsonSerializer.SerializeToUtf8Bytes(value, shape));
}
