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
        var result = await account.LogOutAsync(local, cancellationToken);
        if (result.Failure is { } failure)
        {
            var hint = result.IsRevoked ? "; try again, or use --local to remove only the local token" : "";
            return terminal.Fail(
                $"{account.Name}: the logout is not complete: {failure}{hint}", result.IsRevoked ? ExitCode.TryLater : ExitCode.Failed);
        }
        terminal.Output.WriteLine($"{account.Name}: {Effect(account, local)}.");
        foreach (var left in result.Left)
        {
            terminal.Error.WriteLine($"{account.Name}: {left}.");
        }
        return ExitCode.Done;
    }

    /// <summary>Where the login is no longer valid after a successful logout, as the end of a sentence.</summary>
    private static string Effect(Account account, bool local) => (local, account.Revoke) switch
    {
        (true, _) => "removed locally; the login stays valid at the provider",
        (_, not null) => "revoked at the provider and removed locally",
        _ => "removed locally; the provider has no revocation endpoint, so remove the login in your account settings there",
    };
}
