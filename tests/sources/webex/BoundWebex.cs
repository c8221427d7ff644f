using Exporter.Accounts;
using Exporter.Webex;

namespace Exporter.Tests.Webex;

/// <summary>Webex's API as an account uses it: each call with what its answer means.</summary>
internal sealed class BoundWebex(IWebexApi api, ApiAccount account, TimeProvider time)
{
    public async Task<PollResult<IReadOnlyList<WebexDataSource>>> ListDataSourcesAsync(CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.ListDataSourcesAsync(account, cancellationToken), account, time);

    public async Task<PollResult<WebexDataSource>> GetDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<PollResult<WebexDataSource>> RegisterDataSourceAsync(DataSourceOrder order, CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.RegisterDataSourceAsync(account, order, cancellationToken), account, time, order);

    public async Task<PollResult<WebexDataSource>> UpdateDataSourceAsync(string id, DataSourceOrder order, CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.UpdateDataSourceAsync(account, id, order, cancellationToken), account, time, order);

    public async Task<PollResult<bool>> DeleteDataSourceAsync(string id, CancellationToken cancellationToken) =>
        WebexAnswer.ReadDeletion(await api.DeleteDataSourceAsync(account, id, cancellationToken), account, time);

    public async Task<PollResult<IReadOnlyList<WebexSchema>>> ListSchemasAsync(CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.ListSchemasAsync(account, cancellationToken), account, time);

    public async Task<PollResult<WebexSchema>> GetSchemaAsync(string id, CancellationToken cancellationToken) =>
        WebexAnswer.Read(await api.GetSchemaAsync(account, id, cancellationToken), account, time);
}
