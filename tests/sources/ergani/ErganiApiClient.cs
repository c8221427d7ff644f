using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Tests.Ergani;

/// <summary>Ergani's API for one account, with results instead of responses.</summary>
internal sealed class ErganiApiClient(HttpMessageHandler network, TimeProvider time, ApiAccount account)
{
    private readonly IErganiApi api = ProviderApi.Services(new ErganiSource(), network, time).GetRequiredService<IErganiApi>();

    public async Task<Result<IReadOnlyList<ErganiEntry>, ApiFailure>> GetSubmissionsAsync(CancellationToken cancellationToken) =>
        ErganiResponse.Read(await api.GetSubmissionsAsync(account, cancellationToken), time);

    public async Task<Result<ErganiServiceResult, ApiFailure>> ExecuteServiceAsync(
        string code, IReadOnlyList<ErganiParameter> parameters, CancellationToken cancellationToken) =>
        ErganiResponse.Read(await api.ExecuteServiceAsync(account, new ErganiServiceCall(code, parameters), cancellationToken), time);

    public Task<Result<bool, ApiFailure>> LogOutAsync(Secret refreshToken, CancellationToken cancellationToken) =>
        api.LogOutAsync(account, refreshToken, time, cancellationToken);
}
