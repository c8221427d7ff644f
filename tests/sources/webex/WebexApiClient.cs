using Exporter.Accounts;
using Exporter.Webex;

namespace Exporter.Tests.Webex;

/// <summary>Webex's API for one account, with results instead of responses.</summary>
internal sealed class WebexApiClient(IWebexApi api, ApiAccount account, TimeProvider time)
{
    public async Task<PollResult<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync(CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, time);

    public async Task<PollResult<WebexDataSource>> GetDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<PollResult<WebexDataSource>> RegisterDataSourceAsync(DataSourceRequest order, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.RegisterDataSourceAsync(account, order, cancellationToken), account, time, order);

    public async Task<PollResult<WebexDataSource>> UpdateDataSourceAsync(string id, DataSourceRequest order, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.UpdateDataSourceAsync(account, id, order, cancellationToken), account, time, order);

    public async Task<PollResult<bool>> DeleteDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.ReadDeletion(await api.DeleteDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<PollResult<IReadOnlyList<WebexSchema>>> ListSchemasAsync(CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.ListSchemasAsync(account, cancellationToken), account, time);

    public async Task<PollResult<WebexSchema>> GetSchemaAsync(string id, CancellationToken cancellationToken) =>
        WebexResponse.Read(await api.GetSchemaAsync(account, id, cancellationToken), account, time);
}
