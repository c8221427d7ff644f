namespace Exporter;

/// <summary><c>refresh</c>: renews a token now, even if it is valid.</summary>
internal static class RefreshCommand
{
    public static void AddTo(CommandLine program)
    {
        var yes = CommandLine.Switch("--yes", "Do not ask for confirmation.", "-y");
        program.Add(
            new Command("refresh", "Renews the token of an account now and prints the new expiry time.") { yes },
            new(CommandGroup.Accounts, ["oauth-exporter refresh", "oauth-exporter refresh home --yes"], program.EssentialSettings),
            (context, account, result, cancellationToken) => RunAsync(context, account, result.GetValue(yes), cancellationToken));
    }

    private static async Task<int> RunAsync(CommandContext context, Account account, bool yes, CancellationToken cancellationToken)
    {
        var (manager, before, terminal) = (account.TokenManager, account.TokenManager.Snapshot, context.Terminal);
        if (before.State.Token is { } token && token.IsUsable(context.Time.GetUtcNow()) && terminal.IsInteractive && !yes)
        {
            terminal.Error.Write($"{account.Name}: the token is {context.DescribeValidity(token)}. Renew it now? [y/N] ");
            if (await terminal.ReadLineAsync(cancellationToken) is not ("y" or "Y" or "yes"))
            {
                terminal.Error.WriteLine($"{account.Name}: the token was not renewed.");
                return ExitCode.Done;
            }
        }
        var after = await manager.RenewAsync(null, cancellationToken);
        var renewedHere = after.History.Renewals > before.History.Renewals;
        if (after.State is not TokenState.Active { FailedRenewals: 0 } active || (!renewedHere && ReferenceEquals(active, before.State)))
        {
            return context.ReportFailure(account);
        }
        var outcome = renewedHere ? "renewed" : "renewed by another process";
        terminal.Output.WriteLine($"{account.Name}: {outcome}; the token is {context.DescribeValidity(active.Held)}.");
        return ExitCode.Done;
    }
}
