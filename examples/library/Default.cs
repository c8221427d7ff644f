using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A token in a directory, and a client that uses it. Only the first use logs in, even across processes.</summary>
internal static class Default
{
    public static async Task RunAsync(ErganiCredentials credentials, string directory)
    {
        var time = TimeProvider.System;
        var tokens = new ErganiTokenDirectory(directory, time);
        using var tokenHttp = TokenEndpoint.CreateHttp();
        var grant = new ErganiGrant(credentials, tokenHttp, time, $"{tokens.FileOf(credentials)}.log-ins");
        var store = tokens.StoreOf(credentials);
        // Asynchronous disposal waits for a renewal in flight and saves its token.
        await using var manager = new TokenManager(
            "ergani", grant, store, new TokenManagerOptions(), time, NullLogger<TokenManager>.Instance);

        await using var services = new ServiceCollection().AddErganiApi().BuildServiceProvider();
        var api = services.GetRequiredService<IErganiApi>();
        var account = new ApiAccount(manager, credentials.Environment.Address);
        var (submissions, failure) = ErganiResponse.Read(await api.GetSubmissionsAsync(account, CancellationToken.None), time);
        Console.WriteLine($"default: {(failure is null ? $"{submissions!.Count} kinds of submission" : failure.Reason)}");

        // Another program can use an access token directly, without a token manager.
        if (await manager.GetTokenAsync(CancellationToken.None) is { AccessToken: { } access })
        {
            var direct = new ApiAccount(access, credentials.Environment.Address);
            var (list, _) = ErganiResponse.Read(await api.GetServicesAsync(direct, CancellationToken.None), time);
            Console.WriteLine($"direct: {(list is null ? "no answer" : $"{list.Count} services")}");
        }
    }
}
