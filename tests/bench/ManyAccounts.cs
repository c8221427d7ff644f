using System.Diagnostics.Metrics;
using System.Globalization;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Bench;

/// <summary>Measures heap, threads and timers for each token when all accounts are loaded and the refresh loop runs.</summary>
internal static class ManyAccounts
{
    private static readonly Uri Nowhere = new("https://127.0.0.1:9/token");

    /// <returns>Bytes of heap per account, and the additional threads and timers in all.</returns>
    public static async Task<string> MeasureAsync(int accounts)
    {
        var (time, directory) = (TimeProvider.System, Directory.CreateTempSubdirectory("exporter-bench-"));
        try
        {
            var expiry = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().AddDays(1).ToUnixTimeSeconds());
            for (var i = 0; i < accounts; i++)
            {
                var file = FileOf(i);
                var (access, refresh) = ($"{new string('a', 60)}{i}", $"{new string('r', 60)}{i}");
                await File.WriteAllTextAsync(file, $$"""{"access_token":"{{access}}","refresh_token":"{{refresh}}","expiry":"{{expiry:O}}"}""");
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            await using var services = new ServiceCollection().AddSingleton(time).AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
                .AddSources([new NetatmoSource()]).BuildServiceProvider();
            // Creates everything that is shared by all accounts.
            using var first = await TokenManagerOf(services, 0);
            var (heap, threads, timers) = (Heap(), Threads(), Timers());
            var managers = new TokenManager[accounts];
            for (var i = 0; i < accounts; i++)
            {
                managers[i] = await TokenManagerOf(services, i);
            }
            using var stop = new CancellationTokenSource();
            var refreshing = new RefreshLoop(managers, time, NullLogger<RefreshLoop>.Instance).RunAsync(stop.Token);
            await Task.Delay(TimeSpan.FromSeconds(5), time);
            if (managers.FirstOrDefault(m => m.Snapshot.State is not TokenState.Active) is { } failed)
            {
                throw new InvalidOperationException($"{failed.StoreLocation} has no valid token");
            }
            var line = string.Create(CultureInfo.InvariantCulture, $"{(Heap() - heap) / accounts} {Threads() - threads} {Timers() - timers}");
            await stop.CancelAsync();
            await refreshing;
            Array.ForEach(managers, m => m.Dispose());
            return line;
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        string FileOf(int account) => Path.Combine(directory.FullName, string.Create(CultureInfo.InvariantCulture, $"{account}.json"));

        // The same as in the source oauth2.
        async Task<TokenManager> TokenManagerOf(IServiceProvider services, int account)
        {
            var store = new FileStore(FileOf(account), [new PlainTokenFormat()], time);
            var context = new AccountContext($"account-{account}", true, store, new TokenManagerOptions(), services);
            var endpoint = new TokenEndpoint(context.TokenHttp, Nowhere, new OAuthClient("client", new Secret("secret")), time);
            var grant = new RefreshTokenGrant(endpoint, time);
            var manager = new TokenManager(context.Name, grant, context.Store, context.TokenOptions, time, NullLogger<TokenManager>.Instance);
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

    /// <summary>The metric of the .NET runtime.</summary>
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
