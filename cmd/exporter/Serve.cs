using System.Net.Sockets;
using Exporter.Accounts;
using Exporter.Tokens;
using Exporter.Web;

namespace Exporter;

/// <summary>The command without a name: keeps the tokens, reads the sources, answers scrapes, until it is told to end.</summary>
internal sealed class Serve(Startup startup, Systemd systemd, TimeProvider time, ILoggerFactory logging)
{
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(2);

    private readonly ILogger logger = logging.CreateLogger("exporter");

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var keeping = new KeeperOptions { Pace = new Pace(time) };
        await using var services = Composition.Services(time, logging);
        var accounts = startup.Accounts.Select(a => a.Open(keeping, services)).ToList();
        var exposition = new Exposition(accounts, services.GetRequiredService<ApiMetrics>(), time);
        await using var app = WebServer.Build(startup.Web, accounts, exposition, time, logging);
        logger.LogInformation("exporter {Version} ({Commit})", BuildInfo.Current.Version, BuildInfo.Current.Commit);
        foreach (var warning in startup.Warnings)
        {
            logger.LogWarning("{Warning}", warning);
        }
        try
        {
            await Task.WhenAll(accounts.Select(a => a.LoadAsync(afresh: true, end.Token)));
            await app.StartAsync(end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Nothing was sent yet.
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            logger.LogCritical("cannot listen on {Address}: {Reason}; choose another address with --addr", string.Join(", ", startup.Web.Listen), e.GetBaseException().Message);
            return ExitCode.Failed;
        }
        logger.LogInformation("listening on {Addresses}", string.Join(", ", app.Urls));
        systemd.Ready();

        Task[] work =
        [
            new Rounds([.. accounts.SelectMany(a => a.Keepers)], time, logger).RunAsync(end.Token),
            exposition.RunAsync(end.Token),
            .. accounts.Select(a => a.RunAsync(end.Token)),
        ];
        var watched = systemd.RunAsync(() => Array.TrueForAll(work, part => !part.IsFaulted), end.Token);
        var finished = FinishAsync(work);
        await Task.WhenAny(finished, Task.Delay(Timeout.InfiniteTimeSpan, time, end.Token));
        logger.LogInformation("told to end");
        await end.CancelAsync();
        systemd.Stopping();
        await watched;
        return await EndAsync(app, accounts, finished);
    }

    /// <summary>Until all work is done. None of it ends by a fault unless the program is wrong: then the others go on, and the watchdog, where there is one, starts it again.</summary>
    private async Task FinishAsync(Task[] work)
    {
        await foreach (var part in Task.WhenEach(work))
        {
            if (part.Exception is { } fault)
            {
                logger.LogCritical(fault.GetBaseException(), "a part of the exporter has ended by a mistake of ours, the others go on; restart it, and report what follows");
            }
        }
    }

    /// <summary>Lets a renewal that was sent come home, and saves what is only in memory; a token that is lost now is an error and exit code 1.</summary>
    private async Task<int> EndAsync(WebApplication app, IReadOnlyList<Account> accounts, Task finished)
    {
        using var patience = new CancellationTokenSource(Ending.Longest, time);
        using var drain = new CancellationTokenSource(LongestDrain, time);
        var saved = accounts.Select(account => account.EndAsync(logger, patience.Token)).ToList();
        await Task.WhenAll([app.StopAsync(drain.Token), .. saved]);
        // The feeds, too, have something to save: a car's last values.
        await finished.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return saved.All(s => s.Result) ? ExitCode.Done : ExitCode.Failed;
    }
}
