using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A token in a directory, and a client that carries it. The first use logs in; every later one, in this process or the next, does not.</summary>
internal static class Default
{
    public static async Task RunAsync(ErganiCredentials credentials, string directory)
    {
        var time = TimeProvider.System;
        var tokens = new ErganiTokenDirectory(directory, time);
        using var tokenHttp = TokenEndpoint.CreateHttp();
        var grant = new ErganiGrant(credentials, tokenHttp, time, $"{tokens.FileOf(credentials)}.log-ins");
        // Disposed of asynchronously, so that a renewal in flight is saved.
        await using var manager = new TokenManager("ergani", grant, tokens.StoreOf(credentials), new TokenManagerOptions(), time, NullLogger.Instance);

        await using var services = new ServiceCollection().AddErganiApi().BuildServiceProvider();
        var api = services.GetRequiredService<IErganiApi>();
        var account = new ApiAccount(manager, credentials.Environment.Address);
        Console.WriteLine(ErganiResponse.Read(await api.GetSubmissionsAsync(account, CancellationToken.None), time) switch
        {
            PollResult<IReadOnlyList<ErganiEntry>>.Success(var submissions) => $"default: {submissions.Count} kinds of submission",
            PollResult<IReadOnlyList<ErganiEntry>>.Failed(var failure) => $"default: {failure.Reason}",
            _ => throw new InvalidOperationException(),
        });

        // Somebody else's program may have only the access token, and use it as it is.
        if (await manager.GetTokenAsync(CancellationToken.None) is { AccessToken: { } access })
        {
            var direct = new ApiAccount(access, credentials.Environment.Address);
            var answer = ErganiResponse.Read(await api.GetServicesAsync(direct, CancellationToken.None), time);
            Console.WriteLine($"direct: {(answer is PollResult<IReadOnlyList<ErganiEntry>>.Success(var list) ? $"{list.Count} services" : "no answer")}");
        }
    }
}
