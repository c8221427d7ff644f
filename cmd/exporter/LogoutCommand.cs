namespace Exporter;

/// <summary><c>logout</c>: revokes a login if the provider supports revocation (RFC 7009), and removes the local token.</summary>
internal static class LogoutCommand
{
    public static void AddTo(CommandLine program)
    {
        var (account, local, all) = (
            program.AccountArgument(),
            CommandLine.Switch("--local", "Remove the local token only. The login stays valid at the provider."),
            CommandLine.Switch("--all", "Log out all accounts."));
        program.Add(
            new Command("logout", "Deletes a token, and revokes it if the provider supports that.") { account, local, all },
            new(CommandGroup.Accounts, ["oauth-exporter logout home", "oauth-exporter logout --all --local"], program.EssentialSettings),
            (context, result, cancellationToken) =>
                RunAsync(context, result.GetValue(account), result.GetValue(local), result.GetValue(all), cancellationToken));
    }

    /// <returns>The exit code; for several accounts, the first that is not zero.</returns>
    private static async Task<int> RunAsync(CommandContext context, string? name, bool local, bool all, CancellationToken cancellationToken)
    {
        if (all && name is not null)
        {
            return context.Terminal.Fail("Give either an account or --all.");
        }
        IReadOnlyList<ConfiguredAccount> accounts = all ? context.Options.Accounts : context.FindAccount(name) is { } found ? [found] : [];
        var exitCode = accounts.Count == 0 ? ExitCode.Failed : ExitCode.Done;
        foreach (var planned in accounts)
        {
            var result = await context.RunAsync(
                planned, account => LogOutAsync(context.Terminal, account, local, cancellationToken), cancellationToken);
            exitCode = exitCode == ExitCode.Done ? result : exitCode;
        }
        return exitCode;
    }

    private static async Task<int> LogOutAsync(Terminal terminal, Account account, bool local, CancellationToken cancellationToken)
    {
        if (account.TokenManagers.All(manager => manager.Snapshot.State is TokenState.Missing))
        {
            terminal.Output.WriteLine($"{account.Name}: not logged in.");
            return ExitCode.Done;
        }
        var revoke = local ? null : account.Revoke;
        List<ForgetResult> results = [await account.TokenManager.ForgetAsync(revoke, cancellationToken)];
        foreach (var upstream in account.Upstream.Where(_ => results[^1].Failure is null))
        {
            results.Add(await upstream.ForgetAsync(cancellationToken));
        }
        if (results[^1].Failure is { } failure)
        {
            var hint = revoke is null ? "" : "; try again, or use --local to remove only the local token";
            return terminal.Fail(
                $"{account.Name}: the logout is not complete: {failure}{hint}", revoke is null ? ExitCode.Failed : ExitCode.TryLater);
        }
        var outcome = (local, revoke) switch
        {
            (_, not null) => "revoked at the provider and removed locally",
            (true, _) => "removed locally; the login stays valid at the provider",
            _ => "removed locally; the provider has no revocation endpoint, so remove the login in your account settings there",
        };
        terminal.Output.WriteLine($"{account.Name}: {outcome}.");
        foreach (var left in results.Select(result => result.Left).OfType<string>())
        {
            terminal.Error.WriteLine($"{account.Name}: {left}.");
        }
        return ExitCode.Done;
    }
}
