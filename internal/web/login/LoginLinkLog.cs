namespace Exporter.Web;

/// <summary>
/// Logs where to log in for each account that needs a login: once at the start or when a reload adds it, and once when a login becomes lost.
/// The line contains a one-time link, and for a first login the exporter's URL.
/// </summary>
internal sealed class LoginLinkLog(
    AccountList accounts, LoginLinks links, ExternalUrl external, WebOptions options, ILogger<LoginLinkLog> logger)
    : DeferredWorker
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => accounts.ForEachAsync(WatchAsync, stoppingToken);

    private async Task WatchAsync(Account account, CancellationToken cancellationToken)
    {
        try
        {
            // A link is of no use to an account that logs in without a user.
            var isNeeded = AccountMetrics.NeedsLogin(account) && account.Login is not LoginMethod.Unattended { Explanation: not null };
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
        var (link, problem) = links.Create(account.Name);
        var minutes = (int)LoginLink.Lifetime.TotalMinutes;
        // From a private address, the first login needs no link.
        if (LoginAccess.IsFirst(account))
        {
            logger.LogWarning(
                "account {Account}: a login is needed; open {Url}/ in a browser and log in{Hint}. From a public address, {Otherwise}",
                account.Name, external.Text, HintFor(options), link is null
                    ? $"print a one-time link with oauth-exporter {links.CommandFor(account)} (none is here: {problem})"
                    : $"open this link once within {minutes} minutes: {link.AbsoluteUri}");
            return;
        }
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
            account.Name, minutes, LoginLink.HintFor(options), links.CommandFor(account), link.AbsoluteUri);
    }

    /// <summary>How to log in from another machine; empty if the user set the external URL.</summary>
    private static string HintFor(WebOptions options) =>
        options.IsExternalUrlDerived ? " (from another machine, first set --external-url to the URL that its browser uses)" : "";
}
