using System.Net.Sockets;
using System.Runtime.InteropServices;
using Exporter.Sources;
using Exporter.Tokens;
using Exporter.Web;

namespace Exporter;

/// <summary>The command without a name: keeps the tokens, reads the sources, answers scrapes, until it is told to end.</summary>
internal sealed class Serve(Startup startup, TimeProvider time, ILoggerFactory logging)
{
    /// <summary>Docker kills ten seconds after it asked; whatever hangs, we are done before that.</summary>
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(2);

    private readonly ILogger logger = logging.CreateLogger("exporter");

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);

        var keeping = new KeeperOptions { Pace = new Pace(time) };
        var accounts = startup.Accounts.Select(a => a.Open(keeping, time, logging)).ToList();
        var exposition = new Exposition(accounts, time);
        await using var app = WebServer.Build(startup.Web, accounts, exposition, time, logging);
        logger.LogInformation("exporter {Version} ({Commit})", BuildInfo.Current.Version, BuildInfo.Current.Commit);
        foreach (var warning in startup.Warnings)
        {
            logger.LogWarning("{Warning}", warning);
        }
        await Task.WhenAll(accounts.Select(a => a.Keeper.LoadAsync(end.Token)));
        try
        {
            await app.StartAsync(end.Token);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            logger.LogCritical("cannot listen on {Address}: {Reason}; choose another address with --addr", startup.Web.Listen, e.GetBaseException().Message);
            return 1;
        }
        logger.LogInformation("listening on {Addresses}", string.Join(", ", app.Urls));

        Task[] work =
        [
            new Rounds([.. accounts.Select(a => a.Keeper)], time, logger).RunAsync(end.Token),
            exposition.RunAsync(end.Token),
            .. accounts.Select(a => a.RunAsync(end.Token)),
        ];
        await Task.WhenAny(Task.WhenAll(work), Task.Delay(Timeout.InfiniteTimeSpan, time, end.Token));
        await end.CancelAsync();
        return await EndAsync(app, accounts);

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            logger.LogInformation("{Signal}: ending", context.Signal);
            end.Cancel();
        }
    }

    /// <summary>Lets a renewal that was sent come home, and saves what is only in memory; a token that is lost now is an error and exit code 1.</summary>
    private async Task<int> EndAsync(Microsoft.AspNetCore.Builder.WebApplication app, IReadOnlyList<Account> accounts)
    {
        using var patience = new CancellationTokenSource(LongestEnd, time);
        using var drain = new CancellationTokenSource(LongestDrain, time);
        var saved = accounts.Select(CloseAsync).ToList();
        await Task.WhenAll([app.StopAsync(drain.Token), .. saved]);
        return saved.All(s => s.Result) ? 0 : 1;

        async Task<bool> CloseAsync(Account account)
        {
            try
            {
                if (await account.Keeper.CloseAsync(patience.Token) is { } reason)
                {
                    logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", account.Name, reason);
                    return false;
                }
                return true;
            }
            catch (OperationCanceledException)
            {
                logger.LogError("account {Account}: a renewal did not come back in time; if the cloud has renewed the token, somebody has to log in again", account.Name);
                return false;
            }
        }
    }
}
