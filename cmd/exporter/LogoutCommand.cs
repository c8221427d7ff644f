using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary><c>exporter logout</c>: ends a login at the provider where that is offered (RFC 7009), and forgets it here.</summary>
internal sealed class LogoutCommand(OneAccount accounts, Terminal terminal)
{
    /// <param name="name">The account; null when there is one.</param>
    /// <param name="local">Leave the login alive at the provider.</param>
    /// <param name="all">Every account.</param>
    /// <returns>The exit code; of several accounts the first that is not zero.</returns>
    public async Task<int> RunAsync(string? name, bool local, bool all, CancellationToken cancellationToken)
    {
        if (all && name is not null)
        {
            terminal.Error.WriteLine("An account and --all contradict each other; leave one of them out.");
            return ExitCode.Failed;
        }
        var planned = all ? accounts.All : accounts.Choose(name) is { } chosen ? [chosen] : [];
        var code = planned.Count == 0 ? ExitCode.Failed : ExitCode.Done;
        foreach (var one in planned)
        {
            var result = await accounts.WithAsync(one, account => ForgetAsync(account, local, cancellationToken), cancellationToken);
            code = code == ExitCode.Done ? result : code;
        }
        return code;
    }

    private async Task<int> ForgetAsync(Account account, bool local, CancellationToken cancellationToken)
    {
        if (account.TokenManagers.All(k => k.Snapshot.State is TokenState.Missing))
        {
            terminal.Output.WriteLine($"{account.Name}: nobody is logged in.");
            return ExitCode.Done;
        }
        var revoke = local ? null : account.Revoke;
        var failure = await account.TokenManager.ForgetAsync(revoke, cancellationToken);
        foreach (var one in account.Upstream.Where(_ => failure is null))
        {
            failure = await one.ForgetAsync(cancellationToken);
        }
        if (failure is not null)
        {
            var remedy = revoke is null ? "" : "; try again, or forget it here alone by --local";
            terminal.Error.WriteLine($"{account.Name}: nothing was revoked or forgotten: {failure}{remedy}");
            return revoke is null ? ExitCode.Failed : ExitCode.TryLater;
        }
        var happened = (local, revoke) switch
        {
            (_, not null) => "revoked at the provider and forgotten here",
            (true, _) => "forgotten here; at the provider the login lives on",
            _ => "forgotten here; the provider offers no revocation, so remove the login in your settings there",
        };
        terminal.Output.WriteLine($"{account.Name}: {happened}.");
        return ExitCode.Done;
    }
}
