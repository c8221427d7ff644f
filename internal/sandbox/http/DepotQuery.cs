using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>Depot's older API: a form with an action. Every response has HTTP status 200 and a status of its own. Thread-safe.</summary>
internal sealed class DepotQuery
{
    private const int Page = 2;

    private readonly AuthorizationServer authorization;
    private readonly TimeProvider time;
    private readonly UsageLimit usage;

    public DepotQuery(AuthorizationServer authorization, UsageLimit usage, SandboxContext sandbox)
    {
        (this.authorization, this.usage, time) = (authorization, usage, sandbox.Time);
        Endpoint = new ProviderEndpoint("query", sandbox, new ErrorResponses(
            code => Error(int.TryParse(code, out var status) ? status : 503, "The sandbox rejects this request"), Error(601, "Too many requests")));
    }

    public ProviderEndpoint Endpoint { get; }

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods($"{DepotApi.Path}/query", ["POST"], async context =>
    {
        var form = await ProviderEndpoint.Form(context.Request);
        await Endpoint.Serve(context, () => Denied(context.Request) ?? Answer(form));
    });

    private ProviderResponse? Denied(HttpRequest request) =>
        (ProviderEndpoint.Bearer(request) is { } token ? authorization.Check(token, DepotApi.StockScope) : new AccessOutcome.Unknown()) switch
        {
            AccessOutcome.Allowed allowed => usage.Take(allowed.User) is { } wait ? Error(601, "Too many requests", wait) : null,
            AccessOutcome.ScopeMissing => Error(403, $"The access token lacks the scope {DepotApi.StockScope}"),
            _ => Error(401, "The access token is missing, unknown or expired"),
        };

    private ProviderResponse Answer(IFormCollection? form)
    {
        string? Field(string name) => form?[name] is [{ } value] ? value : null;
        bool Has(params string[] names) => form!.Keys.All(key => key == "action" || names.Contains(key));

        switch (Field("action"))
        {
            case "stock" when Has("site") && Field("site") is { } site:
                return DepotData.Stock(site, time.GetUtcNow()) is { } body ? Success(body) : Error(404, "There is no such site");
            case "energy" when Has("offset") && int.TryParse(Field("offset") ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out var offset):
                var all = DepotData.Energy(time.GetUtcNow());
                var more = offset < all.Count - Page;
                return Success(new JsonObject
                {
                    ["updated"] = time.GetUtcNow().ToUnixTimeSeconds(),
                    ["groups"] = new JsonArray([.. all.Skip(offset).Take(Page)]),
                    ["more"] = more ? 1 : 0,
                    ["offset"] = more ? offset + Page : 0,
                });
            case null or "stock" or "energy":
                return Error(503, "Invalid parameters");
            default:
                return Error(2554, "Unknown action");
        }
    }

    private static ProviderResponse Success(JsonNode body) =>
        ProviderResponse.Json(200, new JsonObject { ["status"] = 0, ["body"] = body }.ToJsonString());

    private static ProviderResponse Error(int status, string error, TimeSpan? wait = null)
    {
        var body = new JsonObject { ["status"] = status, ["error"] = error };
        if (wait is { } time)
        {
            body["wait"] = (long)Math.Ceiling(time.TotalSeconds);
        }
        return ProviderResponse.Json(200, body.ToJsonString());
    }
}
