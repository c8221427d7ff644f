using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>A car of the account.</summary>
/// <param name="Primary">Only the primary user of a car is told more of it.</param>
internal sealed record MappedCar(string Vin, bool Primary);

/// <summary>What a car is. Null is what BMW did not say.</summary>
internal sealed record CarInfo(string Vin, string? Brand, string? Model, string? Series, string? DriveTrain);

/// <summary>What telematicData tells of: a list of keys, kept at BMW under an id.</summary>
internal sealed record Container(string Id, string? Name, string? Purpose, string? State);

/// <summary>The operations of BMW's customer interface that the exporter uses. What goes wrong is a value: they throw for the caller's cancellation only.</summary>
internal interface IBmwApi
{
    /// <summary><c>GET /customers/vehicles/mappings</c>: the cars of the account.</summary>
    Task<ApiAnswer<IReadOnlyList<MappedCar>>> GetMappings(CancellationToken cancellation);

    /// <summary><c>GET /customers/vehicles/{vin}/basicData</c>.</summary>
    Task<ApiAnswer<CarInfo>> GetBasicData(string vin, CancellationToken cancellation);

    /// <summary><c>GET /customers/containers</c>, whoever made them.</summary>
    Task<ApiAnswer<IReadOnlyList<Container>>> GetContainers(CancellationToken cancellation);

    /// <summary><c>POST /customers/containers</c>; never sent twice.</summary>
    Task<ApiAnswer<Container>> CreateContainer(string name, string purpose, IReadOnlyList<string> keys, CancellationToken cancellation);

    /// <summary><c>GET /customers/vehicles/{vin}/telematicData</c>: the last values, in the shape of the stream's messages: <c>{"vin", "data": {KEY: {"value", "unit", "timestamp"}}}</c>.</summary>
    Task<ApiAnswer<byte[]>> GetTelematicData(string vin, string containerId, CancellationToken cancellation);
}

/// <summary>BMW's customer interface over HTTP. The client brings the address (with a slash at its end) and the handlers that put the token on a request, repeat it and count it.</summary>
internal sealed class BmwApi(HttpClient http, DailyBudget budget, TimeProvider time) : IBmwApi
{
    /// <summary>A client whose every call, retries too, is within the budget.</summary>
    public static HttpClient CreateHttp(Uri address, Keeper keeper, DailyBudget budget, TimeProvider time)
    {
        var resilient = ApiResilience.CreateHandler(time);
        resilient.InnerHandler = budget.Over(resilient.InnerHandler!);
        return new HttpClient(new TokenHandler(keeper, BmwAnswer.RefusesToken).Over(resilient)) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
    }

    public Task<ApiAnswer<IReadOnlyList<MappedCar>>> GetMappings(CancellationToken cancellation) =>
        Send(HttpMethod.Get, "customers/vehicles/mappings", null, body => Items(body, item =>
            BmwAnswer.Text(item, "vin") is { Length: 17 } vin ? new MappedCar(vin.ToUpperInvariant(), BmwAnswer.Text(item, "mappingType") is null or "PRIMARY") : null), cancellation);

    public Task<ApiAnswer<CarInfo>> GetBasicData(string vin, CancellationToken cancellation) =>
        Send(HttpMethod.Get, $"customers/vehicles/{vin}/basicData", null, body => body.ValueKind != JsonValueKind.Object ? null
            : new CarInfo(vin, BmwAnswer.Text(body, "brand"), BmwAnswer.Text(body, "modelName"), BmwAnswer.Text(body, "series"), BmwAnswer.Text(body, "driveTrain")), cancellation);

    public Task<ApiAnswer<IReadOnlyList<Container>>> GetContainers(CancellationToken cancellation) =>
        Send(HttpMethod.Get, "customers/containers", null, body => ApiJson.Member(body, "containers") is { } list ? Items(list, ContainerOf) : null, cancellation);

    public Task<ApiAnswer<Container>> CreateContainer(string name, string purpose, IReadOnlyList<string> keys, CancellationToken cancellation) =>
        Send(HttpMethod.Post, "customers/containers", writer =>
        {
            writer.WriteString("name", name);
            writer.WriteString("purpose", purpose);
            writer.WriteStartArray("technicalDescriptors");
            foreach (var key in keys)
            {
                writer.WriteStringValue(key);
            }
            writer.WriteEndArray();
        }, ContainerOf, cancellation);

    public Task<ApiAnswer<byte[]>> GetTelematicData(string vin, string containerId, CancellationToken cancellation) =>
        Send(HttpMethod.Get, $"customers/vehicles/{vin}/telematicData?containerId={Uri.EscapeDataString(containerId)}", null, body =>
            ApiJson.Member(body, "telematicData") is not { ValueKind: JsonValueKind.Object } data ? null : Json(writer =>
            {
                writer.WriteString("vin", vin);
                writer.WritePropertyName("data");
                // As it came: a name in it may be no text, and is none of ours.
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(data), skipInputValidation: true);
            }), cancellation);

    private Task<ApiAnswer<T>> Send<T>(HttpMethod method, string path, Action<Utf8JsonWriter>? content, Func<JsonElement, T?> read, CancellationToken cancellation) where T : class
    {
        if (budget.Exhausted is { } wait)
        {
            return Task.FromResult<ApiAnswer<T>>(new ApiAnswer<T>.Failed(new ApiFailure.RateLimited(string.Create(CultureInfo.InvariantCulture,
                $"BMW was not asked: the budget of {budget.Limit} calls within 24 hours is used up."))
            { RetryAfter = wait }));
        }
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("x-version", "v1");
        if (content is not null)
        {
            request.Content = new ByteArrayContent(Json(content)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }
        return ApiRequest.SendAsync(http, request, "BMW", reply => BmwAnswer.Read(reply, read), time, cancellation);
    }

    private static Container? ContainerOf(JsonElement body) => BmwAnswer.Text(body, "containerId") is { } id
        ? new Container(id, BmwAnswer.Text(body, "name"), BmwAnswer.Text(body, "purpose"), BmwAnswer.Text(body, "state")) : null;

    /// <summary>What can be read of a list; null where it is none.</summary>
    private static IReadOnlyList<T>? Items<T>(JsonElement list, Func<JsonElement, T?> read) where T : class =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(read).OfType<T>()] : null;

    private static byte[] Json(Action<Utf8JsonWriter> members)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
