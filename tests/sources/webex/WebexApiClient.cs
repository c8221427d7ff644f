using Exporter.Accounts;
using Exporter.Tokens;
using Exporter.Webex;

namespace Exporter.Tests.Webex;

/// <summary>Webex's API for one account, with results instead of responses.</summary>
internal sealed class WebexApiClient(IWebexApi api, ApiAccount account, TimeProvider time)
{
    public async Task<Result<IReadOnlyList<WebexDataSource>, ApiFailure>> ListDataSourcesAsync(CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, time);

    public async Task<Result<WebexDataSource, ApiFailure>> GetDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<Result<WebexDataSource, ApiFailure>> RegisterDataSourceAsync(DataSourceRequest order, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.RegisterDataSourceAsync(account, order, cancellationToken), account, time, order);

    public async Task<Result<WebexDataSource, ApiFailure>> UpdateDataSourceAsync(
        string id, DataSourceRequest order, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.UpdateDataSourceAsync(account, id, order, cancellationToken), account, time, order);

    public async Task<Result<bool, ApiFailure>> DeleteDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.ReadDeletion(await api.DeleteDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<Result<IReadOnlyList<WebexSchema>, ApiFailure>> ListSchemasAsync(CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.ListSchemasAsync(account, cancellationToken), account, time);

    public async Task<Result<WebexSchema, ApiFailure>> GetSchemaAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.GetSchemaAsync(account, id, cancellationToken), account, time);
}
