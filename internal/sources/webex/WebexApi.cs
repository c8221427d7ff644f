using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Microsoft.Extensions.DependencyInjection;
using Refit;

namespace Exporter.Webex;

/// <summary>
/// The operations of Webex's API on a service app's data sources; <see cref="WebexAnswer"/> reads what they answer. Reading needs
/// <c>spark-admin:datasource_read</c>, changing <c>spark-admin:datasource_write</c>; for schemas any good token will do. Register it with
/// <see cref="WebexApiServices.AddWebexApi"/>. Safe for concurrent use.
/// </summary>
[Headers("Accept: application/json")]
public interface IWebexApi
{
    /// <summary>A list may say less of a source than <see cref="GetDataSourceAsync"/>.</summary>
    [Get("/v1/dataSources")]
    Task<IApiResponse<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/v1/dataSources/{id}")]
    Task<IApiResponse<WebexDataSource>> GetDataSourceAsync([Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);

    [Post("/v1/dataSources")]
    Task<IApiResponse<WebexDataSource>> RegisterDataSourceAsync([Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] DataSourceOrder order, CancellationToken cancellationToken);

    [Put("/v1/dataSources/{id}")]
    Task<IApiResponse<WebexDataSource>> UpdateDataSourceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, string id, [Body(buffered: true)] DataSourceOrder order, CancellationToken cancellationToken);

    [Delete("/v1/dataSources/{id}")]
    Task<IApiResponse> DeleteDataSourceAsync([Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);

    [Get("/v1/dataSources/schemas")]
    Task<IApiResponse<IReadOnlyList<WebexSchema>>> ListSchemasAsync([Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/v1/dataSources/schemas/{id}")]
    Task<IApiResponse<WebexSchema>> GetSchemaAsync([Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);
}

/// <summary>Webex's API as a service of a container.</summary>
public static class WebexApiServices
{
    /// <summary>Registers <see cref="IWebexApi"/>: one client for all accounts. It puts the account's token on each request, and renews and repeats once on 401.</summary>
    public static IServiceCollection AddWebexApi(this IServiceCollection services)
    {
        services.AddApiClient<IWebexApi>(WebexSource.SourceName, WebexJson.Default);
        return services;
    }
}

internal sealed class DataSourceConverter : ElementConverter<WebexDataSource>
{
    protected override WebexDataSource? From(JsonElement json) => WebexError.Members(json) is { } members && members.Has("id") ? WebexDataSource.From(members) : null;
}

internal sealed class DataSourcesConverter : ElementConverter<IReadOnlyList<WebexDataSource>>
{
    protected override IReadOnlyList<WebexDataSource>? From(JsonElement json) => WebexAnswer.Items(json, WebexDataSource.From);
}

internal sealed class SchemaConverter : ElementConverter<WebexSchema>
{
    protected override WebexSchema? From(JsonElement json) => WebexError.Members(json) is { } members ? WebexSchema.From(members) : null;
}

internal sealed class SchemasConverter : ElementConverter<IReadOnlyList<WebexSchema>>
{
    protected override IReadOnlyList<WebexSchema>? From(JsonElement json) => WebexAnswer.Items(json, WebexSchema.From);
}

internal sealed class OrderConverter : JsonConverter<DataSourceOrder>
{
    public override DataSourceOrder Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("An order is only written.");

    public override void Write(Utf8JsonWriter writer, DataSourceOrder value, JsonSerializerOptions options) => writer.WriteRawValue(value.ToJson());
}

[JsonSerializable(typeof(WebexDataSource))]
[JsonSerializable(typeof(IReadOnlyList<WebexDataSource>))]
[JsonSerializable(typeof(WebexSchema))]
[JsonSerializable(typeof(IReadOnlyList<WebexSchema>))]
[JsonSerializable(typeof(DataSourceOrder))]
[JsonSourceGenerationOptions(Converters = [typeof(DataSourceConverter), typeof(DataSourcesConverter), typeof(SchemaConverter), typeof(SchemasConverter), typeof(OrderConverter)])]
internal sealed partial class WebexJson : JsonSerializerContext;
