using System.Diagnostics.Metrics;
using System.Globalization;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Bench;

/// <summary>What a token costs that is kept and nothing else: heap, threads and timers once every account is loaded from its file and the rounds go.</summary>
internal static class ManyAccounts
{
    private static readonly Uri Nowhere = new("https://127.0.0.1:9/token");

    /// <returns>Bytes of heap for each account, threads more than before, timers more than before.</returns>
    public static async Task<string> MeasureAsync(int accounts)
    {
        var (time, directory) = (TimeProvider.System, Directory.CreateTempSubdirectory("exporter-bench-"));
        try
        {
            var ends = time.GetUtcNow().AddDays(1).ToUnixTimeSeconds();
            for (var i = 0; i < accounts; i++)
            {
                var file = FileOf(i);
                await File.WriteAllTextAsync(file, $$"""{"access_token":"{{new string('a', 60)}}{{i}}","refresh_token":"{{new string('r', 60)}}{{i}}","expiry":"{{DateTimeOffset.FromUnixTimeSeconds(ends):O}}"}""");
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            await using var services = new ServiceCollection().AddSingleton(time).AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSources([new NetatmoSource()]).BuildServiceProvider();
            // Once before, so that what is made once is not counted to the accounts.
            using var first = await TokenManagerOf(services, 0);
            var (heap, threads, timers) = (Heap(), Threads(), Timers());
            var managers = new TokenManager[accounts];
            for (var i = 0; i < accounts; i++)
            {
                managers[i] = await TokenManagerOf(services, i);
            }
            using var end = new CancellationTokenSource();
            var loop = new RefreshLoop(managers, time, NullLogger.Instance).RunAsync(end.Token);
            await Task.Delay(TimeSpan.FromSeconds(5), time);
            if (managers.FirstOrDefault(k => k.Snapshot.State is not TokenState.Active) is { } failed)
            {
                throw new InvalidOperationException($"{failed.StoreLocation} has no token that is alive");
            }
            var line = string.Create(CultureInfo.InvariantCulture, $"{(Heap() - heap) / accounts} {Threads() - threads} {Timers() - timers}");
            await end.CancelAsync();
            await loop;
            Array.ForEach(managers, k => k.Dispose());
            return line;
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        string FileOf(int account) => Path.Combine(directory.FullName, string.Create(CultureInfo.InvariantCulture, $"{account}.json"));

        // As the oauth2 source opens one.
        async Task<TokenManager> TokenManagerOf(IServiceProvider services, int account)
        {
            var store = new FileStore(FileOf(account), [new PlainTokenFormat()], time);
            var context = new AccountContext($"account-{account}", true, store, new TokenManagerOptions(), services);
            var endpoint = new TokenEndpoint(context.TokenHttp, Nowhere, new OAuthClient("client", new Secret("secret")), time);
            var manager = new TokenManager(context.Name, new RefreshTokenGrant(endpoint, time), context.Store, context.Keeping, time, NullLogger.Instance);
            await manager.LoadAsync(CancellationToken.None);
            return manager;
        }
    }

    private static long Heap()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    /// <summary>As the runtime counts its own.</summary>
    private static long Timers()
    {
        var timers = 0L;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument is { Name: "dotnet.timer.count", Meter.Name: "System.Runtime" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, measured, _, _) => timers = measured);
        listener.Start();
        listener.RecordObservableInstruments();
        return timers;
    }

    private static int Threads() => Directory.GetDirectories("/proc/self/task").Length;
}
