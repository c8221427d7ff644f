namespace Exporter;

/// <summary><c>login-link</c>: prints a link that permits one login in a browser. The running exporter reads the same key.</summary>
internal static class LoginLinkCommand
{
    public static void AddTo(CommandLine program)
    {
        var account = program.AccountArgument();
        // In a container, the flags of the running exporter are unknown. The state directory and the external URL are enough.
        program.AddUnconfigured(
            new Command("login-link", "Prints a one-time link for a login in a browser. It works for 30 minutes.") { account },
            new(CommandGroup.Accounts,
                ["oauth-exporter login-link home --config exporter.yml", "docker exec CONTAINER /usr/bin/oauth-exporter login-link home"],
                [Configuration.ConfigFile, WebOptions.ExternalUrlSetting, StateDirectory.Setting]),
            (result, _) => Task.FromResult(Run(program, program.Load(result), result.GetValue(account))));
    }

    /// <returns>The exit code.</returns>
    private static int Run(CommandLine program, Configuration configuration, string? name)
    {
        var (web, terminal) = (WebOptions.Read(configuration.Program), program.Terminal);
        foreach (var problem in configuration.Problems)
        {
            terminal.Error.WriteLine(problem);
        }
        if (configuration.Problems.Count > 0 || FindAccount(configuration.Accounts, name, terminal) is not { } account)
        {
            return ExitCode.Failed;
        }
        var (link, unusable) = LoginLink.Create(web.StateDirectory, web.ExternalUrl.OriginalString.TrimEnd('/'), account, program.Time);
        if (link is null)
        {
            terminal.Error.WriteLine($"{account}: {unusable}");
            return ExitCode.Failed;
        }
        terminal.Error.WriteLine($"Open this link once within {LoginLink.Lifetime.TotalMinutes:0} minutes{LoginLink.HintFor(web)}:");
        terminal.Output.WriteLine(link.AbsoluteUri);
        return ExitCode.Done;
    }

    /// <summary>The account of that name, or the only one. An account by flags may be unknown here. The exporter checks the name.</summary>
    private static string? FindAccount(IReadOnlyList<AccountSection> accounts, string? name, Terminal terminal)
    {
        var names = accounts.Select(account => account.Name).ToList();
        if (name is null ? names.Count == 1 : names.Contains(name) || accounts.All(account => !account.HasAccountLabel))
        {
            return name ?? names[0];
        }
        terminal.Error.WriteLine(name is null ? $"There are several accounts; choose one of: {string.Join(", ", names)}."
            : $"There is no account {Sanitize.Line(name)}; choose one of: {string.Join(", ", names)}.");
        return null;
    }
}
