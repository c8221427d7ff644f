using System.Globalization;

namespace Exporter;

/// <summary>
/// <c>keep</c>: renews tokens and does nothing else. It renews each token at the start and exits if that fails. Later, only a lost login
/// ends it; a temporary failure does not.
/// </summary>
internal sealed class KeepCommand(IReadOnlyList<ConfiguredAccount> planned, KeepLog log, SystemdNotifier systemd, TimeProvider time)
{
    private static readonly string LogIn = $"log in: {CommandLine.ProgramName} login";

    public static void AddTo(CommandLine program)
    {
        var defaults = KeepDefaults.Common;
        var sources = program.Sources;
        var file = new Option<string>("--token-file", "-t") { Description = $"The token file (default {defaults.TokenFile}).", HelpName = "FILE" };
        var margin = new Option<string>("--refresh-margin", "-m")
        {
            Description = $"Renew a token this many seconds before it expires (default {defaults.Margin.TotalSeconds}).",
            HelpName = "SECONDS",
        };
        var source = new Option<string>("--source")
        {
            Description = $"The provider, if it cannot be detected from the file: {string.Join(", ", sources.Select(s => s.Name))}.",
            HelpName = "SOURCE",
        };
        program.AddUnconfigured(
            new Command("keep", "Renews tokens and does nothing else. Exits with 1 when no token can be renewed.") { file, margin, source },
            new(CommandGroup.Exporter,
                ["oauth-exporter keep", .. sources.SelectMany(s => s.Keep.Examples), "oauth-exporter keep --config exporter.yml"],
                [Configuration.ConfigFile])
            {
                IgnoresSurplusArguments = true,
            },
            async (result, cancellationToken) =>
            {
                var log = new KeepLog(program.Terminal.Error, program.Terminal.ShowsErrors ? program.Time : null);
                var (seconds, problem) = KeepOptions.ReadMargin(
                    result.GetResult(margin)?.IdentifierToken?.Value ?? margin.Name, result.GetValue(margin));
                if (problem is not null)
                {
                    log.Error(problem);
                    return ExitCode.Failed;
                }
                var options = new KeepOptions(result.GetValue(file), seconds, result.GetValue(source));
                var systemd = SystemdNotifier.FromEnvironment(program.Environment, program.Time);
                return options.SelectAccounts(program, result, log) is { } accounts
                    ? await new KeepCommand(accounts, log, systemd, program.Time).RunAsync(cancellationToken)
                    : ExitCode.Failed;
            },
            StoreAccess.Service);
    }

    /// <returns>The exit code: 0 after a shutdown signal, 1 when no token can be renewed.</returns>
    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var logging = LoggerFactory.Create(l => l.SetMinimumLevel(LogLevel.Warning).AddProvider(log));
        await using var services = Composition.Services(time, logging, planned);
        var hosted = services.GetRequiredService<HostedAccounts>();
        var exitCode = ExitCode.Done;
        try
        {
            var started = new List<AccountReport>();
            foreach (var account in services.GetRequiredService<AccountList>().Current)
            {
                if (await StartAsync(account, cancellationToken))
                {
                    started.Add(new AccountReport(account, log, time));
                }
            }
            if (started.Count == 0)
            {
                return ExitCode.Failed;
            }
            var refresh = services.GetRequiredService<TokenRefresh>();
            exitCode = await KeepAsync(started, refresh, cancellationToken) ? ExitCode.Done : ExitCode.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The first renewals may be in flight.
        }
        log.Info("shutting down");
        await hosted.StopAsync(CancellationToken.None);
        return hosted.AllSaved ? exitCode : ExitCode.Failed;
    }

    /// <summary>Loads the token and renews it once. Among several accounts, one with a temporary failure is kept.</summary>
    private async Task<bool> StartAsync(Account account, CancellationToken cancellationToken)
    {
        var manager = account.TokenManager;
        var prefix = AccountReport.Prefix(account);
        await account.LoadAsync(false, cancellationToken);
        var loaded = manager.Snapshot.State;
        var error = loaded switch
        {
            TokenState.Missing when manager.NextRenewal is null => manager.Snapshot.Unreadable is { } reason
                ? $"{manager.StoreLocation} cannot be read: {reason}"
                : $"there is no token in {manager.StoreLocation}; {LogIn}",
            TokenState.Active { RenewAt: var at, Held.RefreshToken: null } when at == DateTimeOffset.MaxValue || at == loaded.Token?.ExpiresAt =>
                $"{manager.StoreLocation} missing \"refresh_token\"; {LogIn}",
            _ => null,
        };
        if (error is not null)
        {
            log.Error(prefix + error);
            return false;
        }
        var renewed = await manager.RenewAsync(null, cancellationToken);
        if (renewed.State is not TokenState.Active { FailedRenewals: 0 } active)
        {
            log.Error($"{prefix}{renewed.History.LastError}");
            return planned.Count > 1 && renewed.State is TokenState.Active;
        }
        log.Info($"{prefix}initial refresh ok; expires_at={AccountReport.Iso(active.Held.ExpiresAt, time)}");
        return true;
    }

    /// <summary>Renews the tokens until shutdown (true), or until no token can be renewed (false).</summary>
    private async Task<bool> KeepAsync(IReadOnlyList<AccountReport> accounts, TokenRefresh refresh, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        refresh.Add(accounts.SelectMany(a => a.Account.TokenManagers));
        systemd.Ready();
        var watchdog = systemd.RunWatchdogAsync(() => refresh.ExecuteTask is { IsCompleted: false }, stop.Token);
        var shutdown = await ReportUntilShutdownAsync(accounts, cancellationToken);
        await stop.CancelAsync();
        systemd.Stopping();
        await Task.WhenAll(refresh.StopAsync(CancellationToken.None), watchdog);
        return shutdown;
    }

    private async Task<bool> ReportUntilShutdownAsync(IReadOnlyList<AccountReport> accounts, CancellationToken cancellationToken)
    {
        foreach (var account in accounts)
        {
            account.WriteNextRenewal();
        }
        var shutdown = Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        while (!cancellationToken.IsCancellationRequested)
        {
            // Taken before the states are read, so that no change is missed.
            Task[] changes = [.. accounts.Select(a => a.Account.TokenManager.Changed)];
            foreach (var account in accounts)
            {
                account.WriteChange();
            }
            if (accounts.All(a => a.IsFinal))
            {
                return false;
            }
            await Task.WhenAny([.. changes, shutdown]);
        }
        return true;
    }

    /// <summary>Writes the changes of one account's token to the log.</summary>
    private sealed class AccountReport(Account account, KeepLog log, TimeProvider time)
    {
        private TokenState lastState = account.TokenManager.Snapshot.State;
        private long lastRenewals = account.TokenManager.Snapshot.History.Renewals;

        public Account Account => account;

        /// <summary>Whether the token needs a login or another configuration.</summary>
        public bool IsFinal => lastState is TokenState.Missing or TokenState.InvalidClient or TokenState.Lost;

        public static string Prefix(Account account) => account.HasAccountLabel ? $"{account.Name}: " : "";

        public static string Iso(DateTimeOffset? at, TimeProvider time) => at is { } moment
            ? TimeZoneInfo.ConvertTime(moment, time.LocalTimeZone).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture)
            : "unknown";

        public void WriteNextRenewal()
        {
            if (account.TokenManager.NextRenewal is { } next)
            {
                log.Info($"{Prefix(account)}sleeping {SecondsUntil(next)}s; refresh at {Iso(next, time)}");
            }
        }

        public void WriteChange()
        {
            var (prefix, snapshot) = (Prefix(account), account.TokenManager.Snapshot);
            if (ReferenceEquals(snapshot.State, lastState))
            {
                return;
            }
            var renewed = snapshot.History.Renewals > lastRenewals;
            (lastState, lastRenewals) = (snapshot.State, snapshot.History.Renewals);
            switch (snapshot.State)
            {
                case TokenState.Active { FailedRenewals: 0, Held: var token }:
                    var change = renewed ? "refreshed" : "another program changed the token file";
                    log.Info($"{prefix}{change}; expires_at={Iso(token.ExpiresAt, time)}");
                    WriteNextRenewal();
                    break;
                case TokenState.Active { FailedRenewals: var attempt, RenewAt: var next }:
                    var error = snapshot.History.LastError;
                    log.Warn($"{prefix}refresh failed (attempt {attempt}): {error} — retrying in {SecondsUntil(next)}s");
                    break;
                case TokenState.Missing:
                    log.Error($"{prefix}logged out by another program; {LogIn}");
                    break;
                case TokenState.InvalidClient(_, var reason, _):
                    log.Error($"{prefix}{reason}");
                    break;
                case TokenState.Lost(_, var reason, _):
                    log.Error($"{prefix}{reason}; {LogIn}");
                    break;
            }
        }

        private long SecondsUntil(DateTimeOffset at) => Math.Max(0, (long)(at - time.GetUtcNow()).TotalSeconds);
    }
}
