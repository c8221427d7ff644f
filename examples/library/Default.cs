using Exporter.Ergani;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A token in a folder, and a client that carries it. The first use logs in; every later one, in this process or the next, does not.</summary>
internal static class Default
{
    public static async Task RunAsync(ErganiCredentials credentials, string folder)
    {
        var time = TimeProvider.System;
        var tokens = new ErganiTokenFolder(folder, time);
        using var tokenHttp = TokenEndpoint.CreateHttp();
        var grant = new ErganiGrant(credentials, tokenHttp, time, $"{tokens.FileOf(credentials)}.log-ins");
        // Disposed of asynchronously, so that a renewal in flight is saved.
        await using var keeper = new Keeper("ergani", grant, tokens.StoreOf(credentials), new KeeperOptions(), time, NullLogger.Instance);

        using var http = ErganiApi.CreateHttp(credentials.Environment, keeper, time);
        var api = new ErganiApi(http, time, keeper);
        Console.WriteLine(await api.GetSubmissionsAsync(CancellationToken.None) switch
        {
            ApiAnswer<IReadOnlyList<ErganiEntry>>.Success(var submissions) => $"default: {submissions.Count} kinds of submission",
            ApiAnswer<IReadOnlyList<ErganiEntry>>.Failed(var failure) => $"default: {failure.Reason}",
            _ => throw new InvalidOperationException(),
        });

        // Somebody else's program may have only the access token, and use it as it is.
        if (await keeper.GetTokenAsync(CancellationToken.None) is { AccessToken: { } access })
        {
            using var direct = ErganiApi.CreateHttp(credentials.Environment, access, time);
            var answer = await new ErganiApi(direct, time).GetServicesAsync(CancellationToken.None);
            Console.WriteLine($"direct: {(answer is ApiAnswer<IReadOnlyList<ErganiEntry>>.Success(var services) ? $"{services.Count} services" : "no answer")}");
        }
    }
}
