using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Exporter.Tokens;
using Refit;

namespace Exporter.BmwCarData;

/// <summary>The operations of BMW's customer interface that the exporter uses.</summary>
[Headers("Accept: application/json", "x-version: v1")]
internal interface IBmwApi
{
    /// <summary>The cars of the account.</summary>
    [Get("/customers/vehicles/mappings")]
    Task<IApiResponse<IReadOnlyList<MappedCar>>> GetMappings([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/customers/vehicles/{vin}/basicData")]
    Task<IApiResponse<BasicData>> GetBasicData([Property(ApiAccount.Option)] ApiAccount account, string vin, CancellationToken cancellationToken);

    /// <summary>The containers, whoever made them.</summary>
    [Get("/customers/containers")]
    Task<IApiResponse<IReadOnlyList<Container>>> GetContainers([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Post("/customers/containers")]
    Task<IApiResponse<Container>> CreateContainer([Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] NewContainer container, CancellationToken cancellationToken);

    /// <summary>The last values.</summary>
    [Get("/customers/vehicles/{vin}/telematicData")]
    Task<IApiResponse<TelematicData>> GetTelematicData([Property(ApiAccount.Option)] ApiAccount account, string vin, string containerId, CancellationToken cancellationToken);
}

/// <summary>An account whose every call, retries too, is within the budget.</summary>
internal sealed class BmwAccount(TokenManager manager, Uri address, DailyBudget budget) : ApiAccount(manager, address)
{
    public DailyBudget Budget => budget;
}

/// <summary>A car of the account.</summary>
/// <param name="Primary">Only the primary user of a car is told more of it.</param>
internal sealed record MappedCar(string Vin, bool Primary);

/// <summary>What a car is, as BMW says it. Null is what BMW did not say.</summary>
internal sealed record BasicData(string? Brand, string? ModelName, string? Series, string? DriveTrain);

/// <summary>What a car is, for the file that outlives the process.</summary>
internal sealed record CarInfo(string Vin, string? Brand, string? Model, string? Series, string? DriveTrain);

/// <summary>What telematicData tells of: a list of keys, kept at BMW under an id.</summary>
internal sealed record Container(string Id, string? Name, string? Purpose, string? State);

internal sealed record NewContainer(string Name, string Purpose, IReadOnlyList<string> TechnicalDescriptors);

/// <summary>The last values of a car, by key: the JSON object as it came.</summary>
internal sealed record TelematicData(JsonElement Values)
{
    /// <summary>The values in the shape of the stream's messages: <c>{"vin", "data": {KEY: {"value", "unit", "timestamp"}}}</c>.</summary>
    public byte[] ToMessage(string vin)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("vin", vin);
            json.WritePropertyName("data");
            // As it came: a name in it may be no text, and is none of ours.
            json.WriteRawValue(JsonMarshal.GetRawUtf8Value(Values), skipInputValidation: true);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}

internal sealed class MappingsConverter : ElementConverter<IReadOnlyList<MappedCar>>
{
    protected override IReadOnlyList<MappedCar>? From(JsonElement json) => BmwAnswer.Items(json, item =>
        BmwAnswer.Text(item, "vin") is { Length: 17 } vin ? new MappedCar(vin.ToUpperInvariant(), BmwAnswer.Text(item, "mappingType") is null or "PRIMARY") : null);
}

internal sealed class BasicDataConverter : ElementConverter<BasicData>
{
    protected override BasicData? From(JsonElement json) => json.ValueKind != JsonValueKind.Object ? null
        : new(BmwAnswer.Text(json, "brand"), BmwAnswer.Text(json, "modelName"), BmwAnswer.Text(json, "series"), BmwAnswer.Text(json, "driveTrain"));
}

internal sealed class ContainersConverter : ElementConverter<IReadOnlyList<Container>>
{
    protected override IReadOnlyList<Container>? From(JsonElement json) => ApiJson.Member(json, "containers") is { } list ? BmwAnswer.Items(list, ContainerConverter.Of) : null;
}

internal sealed class ContainerConverter : ElementConverter<Container>
{
    public static Container? Of(JsonElement json) => BmwAnswer.Text(json, "containerId") is { } id
        ? new Container(id, BmwAnswer.Text(json, "name"), BmwAnswer.Text(json, "purpose"), BmwAnswer.Text(json, "state")) : null;

    protected override Container? From(JsonElement json) => Of(json);
}

internal sealed class TelematicDataConverter : ElementConverter<TelematicData>
{
    protected override TelematicData? From(JsonElement json) => ApiJson.Member(json, "telematicData") is { ValueKind: JsonValueKind.Object } values ? new(values) : null;
}

[JsonSerializable(typeof(IReadOnlyList<MappedCar>))]
[JsonSerializable(typeof(BasicData))]
[JsonSerializable(typeof(IReadOnlyList<Container>))]
[JsonSerializable(typeof(Container))]
[JsonSerializable(typeof(TelematicData))]
[JsonSerializable(typeof(NewContainer))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(MappingsConverter), typeof(BasicDataConverter), typeof(ContainersConverter), typeof(ContainerConverter), typeof(TelematicDataConverter)])]
internal sealed partial class BmwApiJson : JsonSerializerContext;
