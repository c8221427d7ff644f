using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>A car of BMW's CarData API.</summary>
/// <param name="BasicData">The members of basicData without <c>vin</c>, as a JSON object.</param>
/// <param name="Telematics">By key; each value as JSON: <c>{"value","unit","timestamp"}</c>.</param>
public sealed record BmwProviderCar(string Vin, bool Primary, string BasicData, IReadOnlyDictionary<string, string> Telematics)
{
    public static BmwProviderCar Sample { get; } = new("WBY00000000000001", true,
        """
        {"brand":"BMW","modelName":"i4 eDrive40","modelRange":"i4","series":"G26","bodyType":"GC","driveTrain":"BEV",
         "propulsionType":"ELECTRIC","countryCodeISO":"DE"}
        """,
        new Dictionary<string, string>
        {
            ["vehicle.drivetrain.batteryManagement.header"] = """{"value":"66","unit":"%","timestamp":"2026-11-21T10:12:39Z"}""",
            ["vehicle.drivetrain.electricEngine.kombiRemainingElectricRange"] =
                """{"value":"199","unit":null,"timestamp":"2026-11-21T10:12:39.809Z"}""",
            ["vehicle.vehicle.travelledDistance"] = """{"value":"10489","unit":"km","timestamp":"2026-11-21T10:11:00Z"}""",
            ["vehicle.body.chargingPort.status"] = """{"value":"DISCONNECTED","unit":null,"timestamp":"2026-11-21T09:00:00Z"}""",
        });
}

public sealed record BmwContainer(string Id, string Name, string Purpose, IReadOnlyList<string> Keys);

/// <summary>BMW's CarData API: cars, containers, values and the quota. Thread-safe.</summary>
public sealed class BmwRest
{
    private const int MaximumContainers = 10;

    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly AuthorizationServer authorization;
    private readonly BmwProviderOptions options;
    private readonly List<BmwContainer> containers = [];
    private readonly HashSet<string> retired = new(StringComparer.Ordinal);
    private readonly List<IReadOnlyList<string>> rejected = [];
    private DateOnly day;
    private int calls;

    internal BmwRest(BmwProviderOptions options, AuthorizationServer authorization, SandboxContext sandbox)
    {
        (this.options, this.authorization, time) = (options, authorization, sandbox.Time);
        var errors = new ErrorResponses(code => Error(code), Error("CU-429") with { Status = 429 });
        (Mappings, BasicData) = (new ProviderEndpoint("mappings", sandbox, errors), new ProviderEndpoint("basicdata", sandbox, errors));
        ContainersList = new ProviderEndpoint("containers", sandbox, errors);
        TelematicData = new ProviderEndpoint("telematicdata", sandbox, errors);
    }

    public ProviderEndpoint Mappings { get; }

    public ProviderEndpoint BasicData { get; }

    /// <summary>Lists, creates, reads and deletes containers.</summary>
    public ProviderEndpoint ContainersList { get; }

    public ProviderEndpoint TelematicData { get; }

    /// <summary>Whether CU-402 names the key that BMW does not have.</summary>
    public bool NamesUnknownKeys { get; set; } = true;

    /// <summary>Requests that count against today's quota, including rejected ones.</summary>
    public int CallsToday { get { lock (gate) { return day == Today ? calls : 0; } } }

    public IReadOnlyList<BmwContainer> Containers { get { lock (gate) { return [.. containers]; } } }

    /// <summary>The lists of keys that were rejected with CU-402.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Rejected { get { lock (gate) { return [.. rejected]; } } }

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    /// <summary>Uses the quota like the requests of another program.</summary>
    public void UseQuota(int count)
    {
        lock (gate)
        {
            (calls, day) = ((day == Today ? calls : 0) + count, Today);
        }
    }

    /// <summary>Adds a container of another program.</summary>
    public void Add(BmwContainer container)
    {
        lock (gate)
        {
            containers.Add(container);
        }
    }

    /// <summary>Removes a key from BMW's catalogue: a new container with it is rejected.</summary>
    public void Retire(string key)
    {
        lock (gate)
        {
            retired.Add(key);
        }
    }

    internal void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/customers/vehicles/mappings", ["GET"], context => Mappings.Serve(context, () => Checked(context.Request, ListCars)));
        routes.MapMethods("/customers/vehicles/{vin}/basicData", ["GET"],
            context => BasicData.Serve(context, () => Checked(context.Request, () => OfCar(context, Describe))));
        routes.MapMethods("/customers/vehicles/{vin}/telematicData", ["GET"], context => TelematicData.Serve(
            context, () => Checked(context.Request, () => OfCar(context, car => Values(context.Request, car)))));
        routes.MapMethods("/customers/containers", ["GET"], context => ContainersList.Serve(context, () => Checked(context.Request, ListContainers)));
        routes.MapMethods("/customers/containers", ["POST"], async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            var text = await body.ReadToEndAsync(context.RequestAborted);
            await ContainersList.Serve(context, () => Checked(context.Request, () => Create(text)));
        });
        routes.MapMethods("/customers/containers/{id}", ["GET"],
            context => ContainersList.Serve(context, () => Checked(context.Request, () => OfContainer(context, Read))));
        routes.MapMethods("/customers/containers/{id}", ["DELETE"],
            context => ContainersList.Serve(context, () => Checked(context.Request, () => OfContainer(context, Delete))));
    }

    /// <summary>Checks the token and the quota first. A rejected request counts too.</summary>
    private ProviderResponse Checked(HttpRequest request, Func<ProviderResponse> answer)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
            || header is not { Scheme: "Bearer", Parameter: { Length: > 0 } token })
        {
            return Error("CU-100");
        }
        switch (authorization.Check(token, "cardata:api:read"))
        {
            case AccessOutcome.Unknown:
                return Error("CU-101");
            case AccessOutcome.Expired:
                return Error("CU-102");
            case AccessOutcome.ScopeMissing:
                return Error("CU-103");
        }
        UseQuota(1);
        return CallsToday > options.DailyCalls ? Error("CU-429") : request.Headers["x-version"] != "v1" ? Error("CU-400") : answer();
    }

    private ProviderResponse ListCars() => Json(200, new JsonArray([.. options.Cars.Select(car => new JsonObject
    {
        ["vin"] = car.Vin,
        ["mappedSince"] = "2025-10-01T08:00:00.000Z",
        ["mappingType"] = car.Primary ? "PRIMARY" : "SECONDARY",
    })]));

    private ProviderResponse OfCar(HttpContext context, Func<BmwProviderCar, ProviderResponse> answer)
    {
        var vin = context.Request.RouteValues["vin"] as string;
        return vin is not { Length: 17 } || vin.Any(char.IsAsciiLetterLower) ? Error("CU-120")
            : options.Cars.FirstOrDefault(car => car.Vin == vin && car.Primary) is { } car ? answer(car)
            : Error("CU-104");
    }

    private static ProviderResponse Describe(BmwProviderCar car)
    {
        var body = JsonNode.Parse(car.BasicData)!.AsObject();
        body["vin"] = car.Vin;
        return Json(200, body);
    }

    private ProviderResponse Values(HttpRequest request, BmwProviderCar car)
    {
        var id = request.Query["containerId"].ToString();
        if (id.Length != 13)
        {
            return Error("CU-121");
        }
        return Containers.FirstOrDefault(container => container.Id == id) is { } container
            // BMW returns nulls for a key that the car never sent.
            ? Json(200, new JsonObject
            {
                ["telematicData"] = new JsonObject(container.Keys.Select(key => KeyValuePair.Create(
                    key, JsonNode.Parse(car.Telematics.GetValueOrDefault(key, """{"value":null,"unit":null,"timestamp":null}"""))))),
            })
            : Error("CU-105");
    }

    private ProviderResponse ListContainers() =>
        Json(200, new JsonObject { ["containers"] = new JsonArray([.. Containers.Select(container => Summary(container))]) });

    private ProviderResponse Create(string text)
    {
        try
        {
            if (JsonNode.Parse(text) is not JsonObject body
                || body["name"]?.GetValue<string>() is not { Length: > 0 } name || body["purpose"]?.GetValue<string>() is not { Length: > 0 } purpose
                || body["technicalDescriptors"] is not JsonArray { Count: > 0 } keys)
            {
                return Error("CU-400");
            }
            lock (gate)
            {
                var names = keys.Select(key => key!.GetValue<string>()).ToList();
                if (names.Find(key => !key.StartsWith("vehicle.", StringComparison.Ordinal) || retired.Contains(key)) is { } unknown)
                {
                    rejected.Add(names);
                    return Error("CU-402", NamesUnknownKeys ? $"Telematic key {unknown} is not found or deprecated." : null);
                }
                if (containers.Count >= MaximumContainers)
                {
                    return Error("CU-124");
                }
                var id = RandomNumberGenerator.GetString("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", 13);
                var container = new BmwContainer(id, name, purpose, names);
                containers.Add(container);
                return Json(201, Summary(container));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Error("CU-400");
        }
    }

    private ProviderResponse OfContainer(HttpContext context, Func<BmwContainer, ProviderResponse> answer) =>
        context.Request.RouteValues["id"] is not string { Length: 13 } id ? Error("CU-121")
        : Containers.FirstOrDefault(container => container.Id == id) is { } found ? answer(found)
        : Error("CU-105");

    private static ProviderResponse Read(BmwContainer container)
    {
        var body = Summary(container);
        body["technicalDescriptors"] = new JsonArray([.. container.Keys.Select(key => JsonValue.Create(key))]);
        return Json(200, body);
    }

    private ProviderResponse Delete(BmwContainer container)
    {
        lock (gate)
        {
            containers.Remove(container);
        }
        return ProviderResponse.Empty(204);
    }

    private static JsonObject Summary(BmwContainer container) => new()
    {
        ["containerId"] = container.Id,
        ["name"] = container.Name,
        ["purpose"] = container.Purpose,
        ["state"] = "ACTIVE",
        ["created"] = "2026-11-21T08:00:00.000Z",
    };

    private static ProviderResponse Json(int status, JsonNode body) => ProviderResponse.Json(status, body.ToJsonString());

    private static ProviderResponse Error(string code, string? details = null)
    {
        var (status, message) = code switch
        {
            "CU-100" => (401, "Authentication token missing"),
            "CU-101" => (401, "Authentication error"),
            "CU-102" => (401, "Token expired"),
            "CU-103" => (403, "Scope is not CarData"),
            "CU-104" => (403, "No permission for the vehicle"),
            "CU-105" => (403, "No permission for the container"),
            "CU-120" => (400, "VIN malformed"),
            "CU-121" => (400, "Container id malformed"),
            "CU-124" => (403, "Too many containers"),
            "CU-402" => (400, "Telematic key is not found or deprecated."),
            "CU-429" => (403, "API rate limit reached"),
            "CU-500" => (500, "Internal server error"),
            "CU-503" => (503, "Service unavailable"),
            _ => (400, "Bad request"),
        };
        return Json(status, new JsonObject
        {
            ["exveErrorId"] = code,
            ["exveErrorMsg"] = details ?? message,
            ["exveErrorRef"] = Guid.NewGuid().ToString("D", CultureInfo.InvariantCulture),
            ["exveNote"] = "",
        });
    }
}
