using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>The API of the fictional company Depot. README.md describes it for its users. Thread-safe.</summary>
internal sealed class DepotApi
{
    public const string Path = "/depot/v1";

    public const string ReadScope = "depot.read";

    public const string StockScope = "depot.stock";

    private const int DefaultPage = 3;
    private const int LargestPage = 100;
    private const string Realm = "depot";

    private readonly HttpProviderOptions options;
    private readonly AuthorizationServer authorization;
    private readonly TimeProvider time;
    private readonly UsageLimit usage;
    private readonly ProviderEndpoint sites;
    private readonly ProviderEndpoint zones;
    private readonly ProviderEndpoint sensors;
    private readonly ProviderEndpoint stock;
    private readonly ProviderEndpoint jobs;
    private readonly ProviderEndpoint meters;
    private readonly ProviderEndpoint open;
    private readonly DepotQuery query;

    public DepotApi(HttpProviderOptions options, AuthorizationServer authorization, SandboxContext sandbox)
    {
        (this.options, this.authorization, time) = (options, authorization, sandbox.Time);
        usage = new UsageLimit(time, options.Limits);
        var errors = new ErrorResponses(code => Error(400, code, "The sandbox rejects this request."), TooMany);
        ProviderEndpoint Endpoint(string name) => new(name, sandbox, errors);
        (sites, zones, sensors, stock) = (Endpoint("sites"), Endpoint("zones"), Endpoint("sensors"), Endpoint("stock"));
        (jobs, open, meters) = (Endpoint("jobs"), Endpoint("public"), Endpoint("meters"));
        query = new DepotQuery(authorization, usage, sandbox);
    }

    public static IReadOnlyList<string> Scopes { get; } = [ReadScope, StockScope];

    public IReadOnlyList<ProviderEndpoint> Endpoints => [sites, zones, sensors, stock, jobs, query.Endpoint, open, meters];

    public void Map(IEndpointRouteBuilder routes)
    {
        void Get(string path, ProviderEndpoint endpoint, Func<HttpRequest, ProviderResponse?> denied, Func<HttpRequest, ProviderResponse> handle,
            params string[] parameters) =>
            routes.MapMethods($"{Path}/{path}", ["GET"], context => endpoint.Serve(context, () =>
                denied(context.Request) ?? UnknownParameter(context.Request, parameters) ?? handle(context.Request)));
        static string Id(HttpRequest request) => (string)request.RouteValues["id"]!;
        ProviderResponse? Read(HttpRequest request) => Denied(request, ReadScope);

        Get("sites", sites, Read, _ => Found(DepotData.Sites(time.GetUtcNow())));
        Get("sites/{id}/zones", zones, Read, request => Found(DepotData.Zones(Id(request))));
        Get("sites/{id}/stock", stock, request => Denied(request, StockScope), request => Found(DepotData.Stock(Id(request), time.GetUtcNow())));
        Get("zones/{id}/sensors", sensors, Read, request => Found(DepotData.Sensors(Id(request), time.GetUtcNow())));
        Get("jobs", jobs, Read, Jobs, "limit", "offset", "cursor");
        Get("public", open, DeniedKey, _ => Found(DepotData.Public(time.GetUtcNow())));
        Get("meters", meters, DeniedBasic, _ => Found(DepotData.Meters(time.GetUtcNow())));
        query.Map(routes);
        routes.Map("/depot/{**rest}", context => Error(404, "not_found", "There is no such resource.").Write(context));
    }

    /// <summary>One page in all three ways: the Link header (RFC 8288), <c>links.next</c>, and <c>offset</c> with <c>more</c>.</summary>
    private ProviderResponse Jobs(HttpRequest request)
    {
        if (Page(request) is not var (offset, limit))
        {
            return Error(400, "invalid_parameter", $"Use limit (1 to {LargestPage}) and offset, or only the cursor of a link.");
        }
        var all = DepotData.Jobs(time.GetUtcNow());
        var more = offset < all.Count - limit;
        string Address(int start) => $"{Path}/jobs?cursor={Base64Url.EncodeToString(Encoding.ASCII.GetBytes($"{start}:{limit}"))}";

        var absolute = $"{request.Scheme}://{request.Host}";
        var first = $"<{absolute}{Address(0)}>; rel=\"first\"; title=\"first, of all\"";
        return Found(new JsonObject
        {
            ["data"] = new JsonArray([.. all.Skip(offset).Take(limit)]),
            ["links"] = new JsonObject { ["first"] = Address(0), ["next"] = more ? Address(offset + limit) : null },
            ["offset"] = offset,
            ["limit"] = limit,
            ["total"] = all.Count,
            ["more"] = more,
        }).With("Link", more ? $"{first}, <{absolute}{Address(offset + limit)}>; rel=\"next\"" : first);
    }

    private static (int Offset, int Limit)? Page(HttpRequest request)
    {
        static int? Number(string? text, int otherwise) => text is null ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        string? Parameter(string name) => request.Query.TryGetValue(name, out var value) ? value.ToString() : null;

        var (offset, limit) = (Parameter("offset"), Parameter("limit"));
        if (Parameter("cursor") is { } cursor)
        {
            if (offset is not null || limit is not null || !Base64Url.IsValid(cursor)
                || Encoding.ASCII.GetString(Base64Url.DecodeFromChars(cursor)).Split(':') is not [var start, var size])
            {
                return null;
            }
            (offset, limit) = (start, size);
        }
        return (Number(offset, 0), Number(limit, DefaultPage)) is ({ } from, >= 1 and <= LargestPage and var count) ? (from, count) : null;
    }

    /// <summary>The error for the bearer token of a request (RFC 6750 section 3); null if it is allowed.</summary>
    private ProviderResponse? Denied(HttpRequest request, string scope)
    {
        if (ProviderEndpoint.Bearer(request) is not { Length: > 0 } token)
        {
            return Error(401, "unauthorized", "The request needs an access token.").WithChallenge(Realm);
        }
        return authorization.Check(token, scope) switch
        {
            AccessOutcome.Allowed allowed => Limited(allowed.User),
            AccessOutcome.ScopeMissing => Error(403, "insufficient_scope", $"The access token lacks the scope {scope}.")
                .WithChallenge(Realm, "insufficient_scope", "The access token lacks the scope", scope),
            AccessOutcome.Expired => Error(401, "invalid_token", "The access token has expired.")
                .WithChallenge(Realm, "invalid_token", "The access token has expired"),
            _ => Error(401, "invalid_token", "The access token is unknown or revoked.")
                .WithChallenge(Realm, "invalid_token", "The access token is unknown or revoked"),
        };
    }

    private ProviderResponse? DeniedKey(HttpRequest request) => request.Headers["X-Api-Key"] == HttpProvider.ApiKey
        ? Limited("key")
        : Error(401, "invalid_key", "The header X-Api-Key is missing or wrong.");

    private ProviderResponse? DeniedBasic(HttpRequest request) => ClientCredentials.Basic(request) == (HttpProvider.User, HttpProvider.Password)
        ? Limited("basic")
        : Error(401, "unauthorized", "The user name or the password is missing or wrong.")
            .With("WWW-Authenticate", $"Basic realm=\"{Realm}\", charset=\"UTF-8\"");

    private ProviderResponse? Limited(string user)
    {
        if (usage.Take(user) is not { } wait)
        {
            return null;
        }
        return options.LimitHeader == WaitHeader.RetryAfter
            ? TooMany.With("Retry-After", wait.Seconds())
            : TooMany.With("RateLimit", $"limit={options.Limits[0].Requests}, remaining=0; t={wait.Seconds()}");
    }

    private static ProviderResponse? UnknownParameter(HttpRequest request, string[] parameters) =>
        request.Query.FirstOrDefault(parameter => !parameters.Contains(parameter.Key) || parameter.Value.Count != 1) is { Key: { } name }
            ? Error(400, "invalid_parameter", $"The parameter {name} is unknown here, or it is repeated.")
            : null;

    private static ProviderResponse Found(JsonNode? body) => body is null
        ? Error(404, "not_found", "There is no such resource.")
        : ProviderResponse.Json(200, body.ToJsonString());

    private static ProviderResponse TooMany => Error(429, "rate_limited", "Too many requests.");

    private static ProviderResponse Error(int status, string code, string message) => ProviderResponse.Json(
        status, new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } }.ToJsonString());
}
