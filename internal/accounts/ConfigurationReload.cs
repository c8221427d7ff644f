using System.Threading.Channels;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>A configuration that was read again. If it has problems, do not use it.</summary>
/// <param name="Problems">Errors, one line each, without secrets.</param>
/// <param name="Warnings">Ignored lines, and settings that only a restart applies, one line each.</param>
public sealed record NewConfiguration(
    IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings);

/// <summary>The outcome of a reload, for the log and for the client that requested it.</summary>
/// <param name="Problems">Why nothing was changed, one line each; empty if the reload succeeded.</param>
/// <param name="Changes">One line for each account that was added, changed or removed, and the number of the others.</param>
/// <param name="Warnings">One line each.</param>
public sealed record ReloadResult(IReadOnlyList<string> Problems, IReadOnlyList<string> Changes, IReadOnlyList<string> Warnings)
{
    public bool Succeeded => Problems.Count == 0;

    internal static ReloadResult Failed(params IReadOnlyList<string> problems) => new(problems, [], []);
}

/// <summary>
/// Reads the configuration again and applies it to the running accounts. Accounts with equal settings keep their token, their connections and
/// their readings. A configuration with problems changes nothing. One reload runs at a time; requests that wait for it share the next one.
/// Safe for concurrent use.
/// </summary>
public sealed class ConfigurationReload : DeferredWorker
{
    private readonly Channel<TaskCompletionSource<ReloadResult>> requests = Channel.CreateUnbounded<TaskCompletionSource<ReloadResult>>();
    private readonly Func<NewConfiguration> read;
    private readonly AccountList accounts;
    private readonly HostedAccounts hosted;
    private readonly IServiceProvider services;
    private readonly TimeProvider time;
    private readonly ILogger<ConfigurationReload> logger;
    private readonly Gauge successful;
    private readonly Gauge succeededAt;

    /// <summary>The configuration of each account of the list, in its order.</summary>
    private IReadOnlyList<ConfiguredAccount> current;

    /// <param name="configured">The accounts that the host starts with.</param>
    /// <param name="read">Reads the configuration again.</param>
    /// <param name="services">A container with the services of <see cref="AccountServices.AddSources"/>.</param>
    public ConfigurationReload(
        IReadOnlyList<ConfiguredAccount> configured, Func<NewConfiguration> read, AccountList accounts, HostedAccounts hosted, MetricsCache cache,
        IServiceProvider services, TimeProvider time, ILogger<ConfigurationReload> logger)
    {
        (current, this.read, this.accounts, this.hosted) = (configured, read, accounts, hosted);
        (this.services, this.time, this.logger) = (services, time, logger);
        var metrics = Prometheus.Metrics.WithCustomRegistry(cache.Process);
        successful = metrics.CreateGauge(
            "exporter_config_last_reload_successful", "Whether the last reading of the configuration succeeded, at the start or by a reload.");
        succeededAt = metrics.CreateGauge(
            "exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last read successfully.");
        Succeeded();
    }

    /// <summary>Reloads once the host has started.</summary>
    /// <exception cref="OperationCanceledException">The host stops, or the caller no longer waits. The reload then continues.</exception>
    public Task<ReloadResult> ReloadAsync(CancellationToken cancellationToken)
    {
        var request = new TaskCompletionSource<ReloadResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        return requests.Writer.TryWrite(request)
            ? request.Task.WaitAsync(cancellationToken)
            : Task.FromCanceled<ReloadResult>(new CancellationToken(canceled: true));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var waiting = new List<TaskCompletionSource<ReloadResult>>();
        try
        {
            while (await requests.Reader.WaitToReadAsync(stoppingToken))
            {
                // All these requests are older than the reading that follows, so its result answers them all.
                while (requests.Reader.TryRead(out var request))
                {
                    waiting.Add(request);
                }
                var result = await ReloadOnceAsync(stoppingToken);
                waiting.ForEach(request => request.SetResult(result));
                waiting.Clear();
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        finally
        {
            requests.Writer.TryComplete();
            waiting.ForEach(request => request.TrySetCanceled(CancellationToken.None));
            while (requests.Reader.TryRead(out var request))
            {
                request.SetCanceled(CancellationToken.None);
            }
        }
    }

    private async Task<ReloadResult> ReloadOnceAsync(CancellationToken stoppingToken)
    {
        ReloadResult result;
        try
        {
            var next = read();
            result = next.Problems.Count > 0 ? ReloadResult.Failed(next.Problems) : await ApplyAsync(next, stoppingToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogError(e.GetBaseException(), "the reload failed because of a bug; report this error");
            result = ReloadResult.Failed($"the reload failed because of a bug ({e.GetBaseException().GetType().Name}); report the error in the log");
        }
        if (result.Succeeded)
        {
            Succeeded();
            logger.LogInformation("the configuration was reloaded: {Changes}", string.Join(", ", result.Changes));
        }
        else
        {
            successful.Set(0);
        }
        foreach (var problem in result.Problems)
        {
            logger.LogError("the configuration was not reloaded, and nothing was changed: {Problem}", problem);
        }
        foreach (var warning in result.Warnings)
        {
            logger.LogWarning("{Warning}", warning);
        }
        return result;
    }

    private async Task<ReloadResult> ApplyAsync(NewConfiguration next, CancellationToken cancellationToken)
    {
        var before = current.Zip(accounts.Current).ToDictionary(pair => pair.First.Name, StringComparer.Ordinal);
        Account? Unchanged(ConfiguredAccount account) =>
            before.TryGetValue(account.Name, out var known) && account.IsEqualTo(known.First) ? known.Second : null;

        var kept = next.Accounts.Select(Unchanged).OfType<Account>().ToList();
        var leaving = accounts.Current.Where(account => !kept.Contains(account)).ToList();
        var lost = kept.Count == next.Accounts.Count && kept.SequenceEqual(accounts.Current)
            ? []
            : await hosted.ReplaceAsync(leaving, () => OpenAll(next.Accounts, Unchanged), cancellationToken);
        current = next.Accounts;
        string[] changes =
        [
            .. next.Accounts.Where(account => !before.ContainsKey(account.Name)).Select(account => $"account {account.Name} added"),
            .. next.Accounts.Where(account => before.ContainsKey(account.Name) && Unchanged(account) is null)
                .Select(account => $"account {account.Name} changed"),
            .. before.Keys.Except(next.Accounts.Select(account => account.Name)).Select(name => $"account {name} removed"),
            $"accounts unchanged: {kept.Count}",
        ];
        return new ReloadResult([], changes, [.. lost, .. next.Warnings]);
    }

    /// <summary>Opens the accounts that are not open yet. If one of them fails, none stays open.</summary>
    private List<Account> OpenAll(IReadOnlyList<ConfiguredAccount> next, Func<ConfiguredAccount, Account?> unchanged)
    {
        var (all, opened) = (new List<Account>(), new List<Account>());
        try
        {
            foreach (var configured in next)
            {
                var account = unchanged(configured);
                if (account is null)
                {
                    account = configured.Open(services);
                    opened.Add(account);
                }
                all.Add(account);
            }
            return all;
        }
        catch
        {
            opened.ForEach(account => account.Dispose());
            throw;
        }
    }

    private void Succeeded()
    {
        successful.Set(1);
        succeededAt.Set(time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
    }
}
