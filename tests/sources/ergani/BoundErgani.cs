using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Tests.Ergani;

/// <summary>Ergani's API as an account uses it: each call with what its answer means.</summary>
internal sealed class BoundErgani(HttpMessageHandler network, TimeProvider time, ApiAccount account)
{
    private readonly IErganiApi api = ProviderApi.Services(new ErganiSource(), network, time).GetRequiredService<IErganiApi>();

    public async Task<PollResult<IReadOnlyList<ErganiEntry>>> GetSubmissionsAsync(CancellationToken cancellationToken) =>
        ErganiAnswer.Read(await api.GetSubmissionsAsync(account, cancellationToken), time);

    public async Task<PollResult<ErganiServiceAnswer>> ExecuteServiceAsync(string code, IReadOnlyList<ErganiParameter> parameters, CancellationToken cancellationToken) =>
        ErganiAnswer.Read(await api.ExecuteServiceAsync(account, new ErganiServiceCall(code, parameters), cancellationToken), time);

    public Task<PollResult<bool>> LogOutAsync(Secret refreshToken, CancellationToken cancellationToken) => api.LogOutAsync(account, refreshToken, time, cancellationToken);
}
