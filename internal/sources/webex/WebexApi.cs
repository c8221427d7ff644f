using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// The operations of Webex's API on a service app's data sources. What goes wrong is a value: they throw for the caller's cancellation only.
/// </summary>
public interface IWebexApi
{
    /// <summary><c>GET /v1/dataSources</c>; needs <c>spark-admin:datasource_read</c>. A list may say less of a source than <see cref="GetDataSourceAsync"/>.</summary>
    Task<ApiAnswer<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync(CancellationToken cancellation);

    /// <summary><c>GET /v1/dataSources/{id}</c>; needs <c>spark-admin:datasource_read</c>.</summary>
    Task<ApiAnswer<WebexDataSource>> GetDataSourceAsync(string id, CancellationToken cancellation);

    /// <summary><c>POST /v1/dataSources</c>; needs <c>spark-admin:datasource_write</c>.</summary>
    Task<ApiAnswer<WebexDataSource>> RegisterDataSourceAsync(DataSourceOrder order, CancellationToken cancellation);

    /// <summary><c>PUT /v1/dataSources/{id}</c>; needs <c>spark-admin:datasource_write</c>.</summary>
    Task<ApiAnswer<WebexDataSource>> UpdateDataSourceAsync(string id, DataSourceOrder order, CancellationToken cancellation);

    /// <summary><c>DELETE /v1/dataSources/{id}</c>; needs <c>spark-admin:datasource_write</c>.</summary>
    Task<ApiAnswer<bool>> DeleteDataSourceAsync(string id, CancellationToken cancellation);

    /// <summary><c>GET /v1/dataSources/schemas</c>; any good token will do.</summary>
    Task<ApiAnswer<IReadOnlyList<WebexSchema>>> ListSchemasAsync(CancellationToken cancellation);

    /// <summary><c>GET /v1/dataSources/schemas/{id}</c>; any good token will do.</summary>
    Task<ApiAnswer<WebexSchema>> GetSchemaAsync(string id, CancellationToken cancellation);
}

/// <summary>Webex's API over HTTP. Safe for concurrent use.</summary>
/// <param name="http">Brings the API's address, and a handler that puts the token on a request.</param>
/// <param name="keeper">Whose token is not to be repeated from an error; null for one that nobody keeps.</param>
public sealed class WebexApi(HttpClient http, TimeProvider time, Keeper? keeper = null) : IWebexApi
{
    private const string Path = "/v1/dataSources";
    internal const string ReadScope = "spark-admin:datasource_read";
    private const string WriteScope = "spark-admin:datasource_write";

    /// <summary>An HTTP client that puts the keeper's token on each request, and renews and repeats once on 401.</summary>
    public static HttpClient CreateHttp(Uri address, Keeper keeper, TimeProvider time) => CreateHttp(address, new TokenHandler(keeper), ApiResilience.CreateHandler(time));

    /// <summary>The same with a token that somebody else cares for: nothing is renewed.</summary>
    public static HttpClient CreateHttp(Uri address, Secret accessToken, TimeProvider time) =>
        CreateHttp(address, new DirectTokenHandler(accessToken), ApiResilience.CreateHandler(time));

    public Task<ApiAnswer<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync(CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, Path, null, ReadScope, body => WebexAnswer.Items(body, WebexDataSource.From), cancellation);

    public Task<ApiAnswer<WebexDataSource>> GetDataSourceAsync(string id, CancellationToken cancellation) => SendAsync(HttpMethod.Get, At(id), null, ReadScope, Source, cancellation);

    public Task<ApiAnswer<WebexDataSource>> RegisterDataSourceAsync(DataSourceOrder order, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, Path, order, WriteScope, Source, cancellation);

    public Task<ApiAnswer<WebexDataSource>> UpdateDataSourceAsync(string id, DataSourceOrder order, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Put, At(id), order, WriteScope, Source, cancellation);

    public Task<ApiAnswer<bool>> DeleteDataSourceAsync(string id, CancellationToken cancellation) => ApiRequest.SendAsync(
        http, new HttpRequestMessage(HttpMethod.Delete, At(id)), "Webex",
        reply => reply.Status is HttpStatusCode.OK or HttpStatusCode.NoContent ? new ApiAnswer<bool>.Success(true) : WebexAnswer.Failure<bool>(reply, WriteScope, Secrets(null)),
        time, cancellation);

    public Task<ApiAnswer<IReadOnlyList<WebexSchema>>> ListSchemasAsync(CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, $"{Path}/schemas", null, null, body => WebexAnswer.Items(body, WebexSchema.From), cancellation);

    public Task<ApiAnswer<WebexSchema>> GetSchemaAsync(string id, CancellationToken cancellation) => SendAsync(
        HttpMethod.Get, $"{Path}/schemas/{Uri.EscapeDataString(id)}", null, null, body => WebexAnswer.Members(body) is { } members ? WebexSchema.From(members) : null, cancellation);

    internal static HttpClient CreateHttp(Uri address, DelegatingHandler token, HttpMessageHandler network) =>
        new(token.Over(network)) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };

    private static string At(string id) => $"{Path}/{Uri.EscapeDataString(id)}";

    private static WebexDataSource? Source(JsonElement body) => WebexAnswer.Members(body) is { } members && members.Has("id") ? WebexDataSource.From(members) : null;

    private Task<ApiAnswer<T>> SendAsync<T>(
        HttpMethod method, string path, DataSourceOrder? order, string? scope, Func<JsonElement, T?> read, CancellationToken cancellation)
        where T : class
    {
        var request = new HttpRequestMessage(method, path)
        {
            Content = order is null ? null : new ByteArrayContent(order.ToJson()) { Headers = { ContentType = new("application/json") } },
        };
        return ApiRequest.SendAsync(http, request, "Webex", reply => WebexAnswer.Read(reply, read, scope, Secrets(order)), time, cancellation);
    }

    /// <summary>What an error that repeats what it was sent must not show.</summary>
    private IReadOnlyList<Secret?> Secrets(DataSourceOrder? order) => [order?.Nonce, keeper?.Snapshot.State.Token?.AccessToken];
}
