using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Refit;

namespace Exporter.Webex;

/// <summary>
/// The operations of Webex's API on a service app's data sources; <see cref="WebexResponse"/> reads the responses. Register it with
/// <see cref="WebexApiServices.AddWebexApi"/>. Safe for concurrent use.
/// </summary>
/// <remarks>
/// Reading needs the scope <c>spark-admin:datasource_read</c>, changing needs <c>spark-admin:datasource_write</c>. Any valid token can read
/// schemas.
/// </remarks>
[Headers("Accept: application/json")]
public interface IWebexApi
{
    /// <summary>A list can omit members that <see cref="GetDataSourceAsync"/> returns.</summary>
    [Get("/v1/dataSources")]
    Task<IApiResponse<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync(
        [Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/v1/dataSources/{id}")]
    Task<IApiResponse<WebexDataSource>> GetDataSourceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);

    [Post("/v1/dataSources")]
    Task<IApiResponse<WebexDataSource>> RegisterDataSourceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, [Body(buffered: true)] DataSourceRequest request, CancellationToken cancellationToken);

    [Put("/v1/dataSources/{id}")]
    Task<IApiResponse<WebexDataSource>> UpdateDataSourceAsync(
        [Property(ApiAccount.Option)] ApiAccount account, string id, [Body(buffered: true)] DataSourceRequest request,
        CancellationToken cancellationToken);

    [Delete("/v1/dataSources/{id}")]
    Task<IApiResponse> DeleteDataSourceAsync([Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);

    [Get("/v1/dataSources/schemas")]
    Task<IApiResponse<IReadOnlyList<WebexSchema>>> ListSchemasAsync(
        [Property(ApiAccount.Option)] ApiAccount account, CancellationToken cancellationToken);

    [Get("/v1/dataSources/schemas/{id}")]
    Task<IApiResponse<WebexSchema>> GetSchemaAsync([Property(ApiAccount.Option)] ApiAccount account, string id, CancellationToken cancellationToken);
}

/// <summary>Registers Webex's API in a service container.</summary>
public static class WebexApiServices
{
    /// <summary>
    /// Registers <see cref="IWebexApi"/>: one client for all accounts. It adds the account's token to each request. After a 401 it renews the
    /// token and repeats the request once.
    /// </summary>
    public static IServiceCollection AddWebexApi(this IServiceCollection services)
    {
        services.AddApiClient<IWebexApi>(WebexSource.SourceName, WebexJson.Default);
        return services;
    }
}

internal abstract class WebexConverter<T>(Func<JsonElement, T?> read) : ElementConverter<T>
{
    protected sealed override T? From(JsonElement json) => read(json);
}

internal sealed class DataSourceConverter() : WebexConverter<WebexDataSource>(
    json => JsonMembers.TryFrom(json) is { } members && members.Has("id") ? WebexDataSource.From(members) : null);

internal sealed class DataSourcesConverter() : WebexConverter<IReadOnlyList<WebexDataSource>>(
    json => WebexResponse.Items(json, WebexDataSource.From));

internal sealed class SchemaConverter() : WebexConverter<WebexSchema>(
    json => JsonMembers.TryFrom(json) is { } members ? WebexSchema.From(members) : null);

internal sealed class SchemasConverter() : WebexConverter<IReadOnlyList<WebexSchema>>(
    json => WebexResponse.Items(json, WebexSchema.From));

[JsonSerializable(typeof(WebexDataSource))]
[JsonSerializable(typeof(IReadOnlyList<WebexDataSource>))]
[JsonSerializable(typeof(WebexSchema))]
[JsonSerializable(typeof(IReadOnlyList<WebexSchema>))]
[JsonSerializable(typeof(DataSourceRequest))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DataSourceConverter), typeof(DataSourcesConverter), typeof(SchemaConverter), typeof(SchemasConverter)])]
internal sealed partial class WebexJson : JsonSerializerContext;
