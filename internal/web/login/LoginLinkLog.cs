namespace Exporter.Web;

/// <summary>
/// Logs a one-time link for each account that needs a login: once at the start or when a reload adds it, and once when a login becomes lost.
/// </summary>
internal sealed class LoginLinkLog(AccountList accounts, LoginLinks links, WebOptions options, ILogger<LoginLinkLog> logger)
    : DeferredWorker
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => accounts.ForEachAsync(WatchAsync, stoppingToken);

    private async Task WatchAsync(Account account, CancellationToken cancellationToken)
    {
        try
        {
            var isNeeded = AccountMetrics.NeedsLogin(account);
            for (var wasLost = false; ;)
            {
                var changed = account.TokenManager.Changed;
                var isLost = account.TokenManager.Snapshot.State is TokenState.Lost;
                if (isNeeded || (isLost && !wasLost))
                {
                    Log(account);
                }
                (isNeeded, wasLost) = (false, isLost);
                await changed.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private void Log(Account account)
    {
        var (link, problem) = links.Create(account);
        if (link is null)
        {
            logger.LogWarning(
                "account {Account}: a login is needed; print a one-time link with oauth-exporter {Command} (none is here: {Problem})",
                account.Name, links.CommandFor(account), problem);
            return;
        }
        logger.LogWarning(
            "account {Account}: a login is needed; open this link once within {Minutes} minutes{Hint}, or print another one with "
            + "oauth-exporter {Command}: {Link}",
            account.Name, (int)LoginLink.Lifetime.TotalMinutes, LoginLink.HintFor(options), links.CommandFor(account), link.AbsoluteUri);
    }
}
