using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary><c>exporter refresh</c>: renews a token now, whatever its age.</summary>
internal sealed class RefreshCommand(OneAccount accounts, Terminal terminal, TimeProvider time)
{
    /// <param name="name">The account; null when there is one.</param>
    /// <param name="sure">Do not ask, though the token is still good.</param>
    /// <returns>The exit code.</returns>
    public Task<int> RunAsync(string? name, bool sure, CancellationToken cancellationToken) => accounts.WithAsync(name, async account =>
    {
        var (manager, before) = (account.TokenManager, account.TokenManager.Snapshot);
        if (before.State.Token is { } token && token.IsUsable(time.GetUtcNow()) && terminal.IsInteractive && !sure)
        {
            terminal.Error.Write($"{account.Name}: the token is {accounts.Good(token)}. Renew it now? [y/N] ");
            if (await terminal.ReadLineAsync(cancellationToken) is not ("y" or "Y" or "yes"))
            {
                terminal.Error.WriteLine($"{account.Name}: nothing was done.");
                return ExitCode.Done;
            }
        }
        var after = await manager.RenewAsync(null, cancellationToken);
        if (after.State is not TokenState.Active { FailedRenewals: 0 } active || (after.History.Renewals == before.History.Renewals && ReferenceEquals(active, before.State)))
        {
            return accounts.Explain(account);
        }
        var who = after.History.Renewals > before.History.Renewals ? "renewed" : "renewed by another process";
        terminal.Output.WriteLine($"{account.Name}: {who}; the token is {accounts.Good(active.Held)}.");
        return ExitCode.Done;
    }, cancellationToken);
}
