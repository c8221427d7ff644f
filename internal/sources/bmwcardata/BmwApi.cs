using System.Text.Json;
using System.Text.Json.Serialization;
using Refit;
using static Exporter.BmwCarData.BmwResponses;

namespace Exporter.BmwCarData;

/// <summary>The operations of BMW's CarData API that the exporter uses.</summary>
[Headers("Accept: application/json", "x-version: v1")]
internal interface IBmwApi
{
    [Get("/customers/vehicles/mappings")]
    Task<IApiResponse<JsonElement>> GetMappings([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/customers/vehicles/{vin}/basicData")]
    Task<IApiResponse<JsonElement>> GetBasicData([Property(ApiAccount.Option)] ApiAccount account, string vin, CancellationToken cancellationToken);

    /// <summary>All containers of the account, including those of other programs.</summary>
    [Get("/customers/containers")]
    Task<IApiResponse<JsonElement>> GetContainers([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Post("/customers/containers")]
    Task<IApiResponse<JsonElement>> CreateContainer(
        [Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] NewContainer container, CancellationToken cancellationToken);

    /// <summary>The last values of a car, in the format of the stream's <c>data</c>.</summary>
    [Get("/customers/vehicles/{vin}/telematicData")]
    Task<IApiResponse<JsonElement>> GetTelematicData(
        [Property(ApiAccount.Option)] ApiAccount account, string vin, string containerId, CancellationToken cancellationToken);
}

/// <summary>An account whose requests, including retries, count against the budget.</summary>
internal sealed class BmwAccount : ApiAccount
{
    public BmwAccount(TokenManager manager, Uri address, IRequestBudget budget) : base(manager, address) => Budget = budget;

    /// <summary>Sends one request. If the budget is used up, it sends nothing and does not even renew the token.</summary>
    public async Task<Result<T, ApiFailure>> SendAsync<T>(
        Func<Task<IApiResponse<JsonElement>>> send, Func<JsonElement, T?> convert, TimeProvider time, CancellationToken cancellationToken)
        where T : class =>
        await Budget!.FailureAsync(cancellationToken) is { } usedUp ? usedUp : BmwResponses.Read(await send(), time, convert);
}

/// <summary>A car of the account.</summary>
/// <param name="Primary">BMW returns data of a car only to its primary user.</param>
internal sealed record MappedCar(string Vin, bool Primary)
{
    public static IReadOnlyList<MappedCar>? List(JsonElement json) => Items(json, item => Text(item, "vin") is { Length: 17 } vin
        ? new MappedCar(vin.ToUpperInvariant(), Text(item, "mappingType") is null or "PRIMARY")
        : null);
}

/// <summary>The description of a car in metrics and in <c>cars.json</c>. A property is null if BMW did not return it.</summary>
internal sealed record CarInfo(string Vin, string? Brand, string? Model, string? Series, string? DriveTrain)
{
    public static CarInfo? From(string vin, JsonElement json) => json.ValueKind == JsonValueKind.Object
        ? new(vin, Text(json, "brand"), Text(json, "modelName"), Text(json, "series"), Text(json, "driveTrain"))
        : null;
}

/// <summary>A list of keys that BMW stores under an ID; telematicData returns the values of these keys.</summary>
internal sealed record Container(string Id, string? Name, string? Purpose, string? State)
{
    public static Container? From(JsonElement json) => Text(json, "containerId") is { } id
        ? new(id, Text(json, "name"), Text(json, "purpose"), Text(json, "state"))
        : null;

    public static IReadOnlyList<Container>? List(JsonElement json) => Items(Json.Member(json, "containers"), From);
}

internal sealed record NewContainer(string Name, string Purpose, IReadOnlyList<string> TechnicalDescriptors);

[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(NewContainer))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class BmwApiJson : JsonSerializerContext;
