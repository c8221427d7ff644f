using System.Globalization;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary>
/// <c>exporter keep</c>: keeps tokens fresh and does nothing else. It renews at once and stops if that fails. After that, only a lost login
/// stops it; a temporary failure does not.
/// </summary>
internal sealed class KeepCommand(IReadOnlyList<PlannedAccount> planned, KeepLines lines, Systemd systemd, TimeProvider time)
{
    /// <returns>The exit code: 0 after SIGTERM, 1 when there is no account left to keep.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var logging = LoggerFactory.Create(l => l.SetMinimumLevel(LogLevel.Warning).AddProvider(lines));
        await using var services = Composition.Services(time, logging, planned);
        var (accounts, service) = (services.GetRequiredService<IReadOnlyList<Account>>(), services.GetRequiredService<HostedAccounts>());
        try
        {
            var kept = new List<Kept>();
            foreach (var account in accounts)
            {
                if (await StartAsync(account, cancellationToken))
                {
                    kept.Add(new Kept(account));
                }
            }
            if (kept.Count == 0)
            {
                return ExitCode.Failed;
            }
            var code = await KeepAsync(kept, services.GetRequiredService<TokenRefresh>(), cancellationToken) ? ExitCode.Done : ExitCode.Failed;
            return await EndAsync() ? code : ExitCode.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // While it started: the first renewals may be under way.
            return await EndAsync() ? ExitCode.Done : ExitCode.Failed;
        }

        async Task<bool> EndAsync()
        {
            lines.Info("told to end");
            using var patience = new CancellationTokenSource(HostedAccounts.LongestStop, time);
            await service.StopAsync(patience.Token);
            return service.AllSaved;
        }
    }

    /// <summary>Renews the tokens until it is asked to stop; false when none is left to renew.</summary>
    private async Task<bool> KeepAsync(IReadOnlyList<Kept> kept, TokenRefresh refresh, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        refresh.Add(kept.SelectMany(k => k.Account.TokenManagers));
        systemd.Ready();
        var watched = systemd.RunAsync(() => refresh.ExecuteTask is { IsCompleted: false }, end.Token);
        var asked = await WatchAsync(kept, cancellationToken);
        await end.CancelAsync();
        systemd.Stopping();
        await Task.WhenAll(refresh.StopAsync(CancellationToken.None), watched);
        return asked;
    }

    /// <summary>Loads the token and renews it at once, without a second try; beside others, an account may come to life later.</summary>
    private async Task<bool> StartAsync(Account account, CancellationToken cancellationToken)
    {
        var manager = account.TokenManager;
        await account.LoadAsync(ignoresLogout: false, cancellationToken);
        if (manager.Snapshot.State is TokenState.Missing && manager.NextRenewal is null)
        {
            lines.Error($"{Prefix(account)}there is no token in {manager.StoreLocation}; log in first: exporter login");
            return false;
        }
        if (manager.Snapshot.State is TokenState.Active { RenewAt: var at, Held.RefreshToken: null } && (at == DateTimeOffset.MaxValue || at == manager.Snapshot.State.Token?.ExpiresAt))
        {
            lines.Error($"{Prefix(account)}{manager.StoreLocation} missing \"refresh_token\"; log in again: exporter login");
            return false;
        }
        var after = await manager.RenewAsync(null, cancellationToken);
        if (after.State is not TokenState.Active { FailedRenewals: 0 } active)
        {
            lines.Error($"{Prefix(account)}{after.History.LastError}");
            return planned.Count > 1 && after.State is TokenState.Active;
        }
        lines.Info($"{Prefix(account)}initial refresh ok; expires_at={Iso(active.Held.ExpiresAt)}");
        return true;
    }

    /// <summary>Tells what becomes of the tokens; true when told to end, false when none is left.</summary>
    private async Task<bool> WatchAsync(IReadOnlyList<Kept> kept, CancellationToken cancellationToken)
    {
        foreach (var one in kept)
        {
            Sleeping(one.Account);
        }
        var told = Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        while (!cancellationToken.IsCancellationRequested)
        {
            Task[] changes = [.. kept.Select(k => k.Account.TokenManager.Changed)];
            foreach (var one in kept)
            {
                Tell(one);
            }
            if (kept.All(k => k.IsGone))
            {
                return false;
            }
            await Task.WhenAny([.. changes, told]);
        }
        return true;
    }

    private void Tell(Kept one)
    {
        var (account, snapshot) = (one.Account, one.Account.TokenManager.Snapshot);
        if (ReferenceEquals(snapshot.State, one.Told))
        {
            return;
        }
        var renewed = snapshot.History.Renewals > one.Renewals;
        (one.Told, one.Renewals) = (snapshot.State, snapshot.History.Renewals);
        switch (snapshot.State)
        {
            case TokenState.Active { FailedRenewals: 0, Held: var token }:
                lines.Info($"{Prefix(account)}{(renewed ? "refreshed" : "token file was changed by another program")}; expires_at={Iso(token.ExpiresAt)}");
                Sleeping(account);
                break;
            case TokenState.Active { FailedRenewals: var attempt, RenewAt: var next }:
                lines.Warn($"{Prefix(account)}refresh failed (attempt {attempt}): {snapshot.History.LastError} — retrying in {Seconds(next)}s");
                break;
            case TokenState.Missing:
                lines.Error($"{Prefix(account)}logged out by another program; log in again: exporter login");
                break;
            case TokenState.InvalidClient(_, var reason, _):
                lines.Error($"{Prefix(account)}{reason}");
                break;
            case TokenState.Lost(_, var reason, _):
                lines.Error($"{Prefix(account)}{reason}; log in again: exporter login");
                break;
        }
    }

    private void Sleeping(Account account)
    {
        if (account.TokenManager.NextRenewal is { } next)
        {
            lines.Info($"{Prefix(account)}sleeping {Seconds(next)}s; refresh at {Iso(next)}");
        }
    }

    private long Seconds(DateTimeOffset until) => Math.Max(0, (long)(until - time.GetUtcNow()).TotalSeconds);

    private string Iso(DateTimeOffset? at) =>
        at is { } moment ? TimeZoneInfo.ConvertTime(moment, time.LocalTimeZone).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture) : "unknown";

    private static string Prefix(Account account) => account.Labelled ? $"{account.Name}: " : "";

    /// <summary>An account and what was last told of it.</summary>
    private sealed class Kept(Account account)
    {
        public Account Account => account;

        public TokenState Told { get; set; } = account.TokenManager.Snapshot.State;

        public long Renewals { get; set; } = account.TokenManager.Snapshot.History.Renewals;

        public bool IsGone => Told is TokenState.Missing or TokenState.InvalidClient or TokenState.Lost;
    }
}

/// <summary>Lines such as <c>[warn] …</c>. What token managers log has the same form, except for failed renewals, which the command reports itself.</summary>
internal sealed class KeepLines(TextWriter output) : ILoggerProvider, ILogger
{
    private readonly Lock writing = new();

    public void Info(string sentence) => Write("info", sentence);

    public void Warn(string sentence) => Write("warn", sentence);

    public void Error(string sentence) => Write("error", sentence);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel) && eventId != TokenEvents.RenewalFailed)
        {
            Write(logLevel == LogLevel.Warning ? "warn" : "error", formatter(state, exception));
        }
    }

    public void Dispose()
    {
    }

    private void Write(string level, string sentence)
    {
        lock (writing)
        {
            output.WriteLine($"[{level}] {string.Concat(sentence.Select(c => char.IsControl(c) ? ' ' : c))}");
            output.Flush();
        }
    }
}
