using System.CommandLine;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary>The commands that the sources bring along, each for an account of its own source.</summary>
internal static class SourceCommands
{
    public static void AddSourceCommands(this CommandLine program, IReadOnlyList<ISource> sources, Terminal terminal, TimeProvider time)
    {
        foreach (var source in sources)
        {
            foreach (var command in source.Commands)
            {
                Add(program, source.Name, command, terminal, time);
            }
        }
    }

    private static void Add(CommandLine program, string source, SourceCommand declared, Terminal terminal, TimeProvider time)
    {
        var arguments = declared.Arguments
            .Select(a => new Argument<string?>(a.Name) { Description = a.Help, Arity = a.IsRequired ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne }).ToList();
        var switches = declared.Options.Where(o => o.Placeholder is null).Select(o => new Option<bool>(o.Name) { Description = o.Help }).ToList();
        var options = declared.Options.Where(o => o.Placeholder is not null).Select(o => new Option<string?>(o.Name) { Description = o.Help, HelpName = o.Placeholder }).ToList();
        var command = new Command(declared.Name[^1], declared.Help);
        Func<ParseResult, string?> account;
        if (arguments.Count == 0)
        {
            var argument = AccountCommands.Account();
            command.Add(argument);
            account = result => result.GetValue(argument);
        }
        else
        {
            var option = new Option<string?>("--account") { Description = "The account; may be left out when there is one.", HelpName = "NAME" };
            command.Add(option);
            account = result => result.GetValue(option);
        }
        arguments.ForEach(command.Add);
        switches.ForEach(command.Add);
        options.ForEach(command.Add);
        program.Add(declared.Name.SkipLast(1), command, declared.Examples, async (startup, result, cancellationToken) =>
        {
            var given = arguments.Select(a => new { a.Name, Value = result.GetValue(a) })
                .Concat(options.Select(o => new { o.Name, Value = result.GetValue(o) }))
                .Concat(switches.Select(s => new { s.Name, Value = result.GetValue(s) ? "" : null }))
                .Where(g => g.Value is not null).ToDictionary(g => g.Name, g => g.Value!);
            var accounts = new OneAccount(startup with { Accounts = [.. startup.Accounts.Where(a => a.Source == source)] }, terminal, time);
            if (startup.Accounts.Count > 0 && accounts.All.Count == 0)
            {
                terminal.Error.WriteLine($"There is no account at {source}; configure one with source: {source}.");
                return ExitCode.Failed;
            }
            // Results alone go to the output: what a login on the way says is none.
            var login = new LoginCommand(accounts, terminal with { Output = terminal.Error }, LoginCommand.CallbackOf(startup), time);
            return await accounts.WithAsync(
                account(result),
                opened => RunAsync(opened.Commands[declared], new CommandCall(given, terminal, time, token => LogInAsync(opened, accounts, login, token)), cancellationToken),
                cancellationToken);
        });
    }

    /// <summary>A command that runs until it is told to end has done what was asked for when it is.</summary>
    private static async Task<int> RunAsync(Func<CommandCall, CancellationToken, Task<int>> run, CommandCall call, CancellationToken end)
    {
        try
        {
            return await run(call, end);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
    }

    private static async Task<int> LogInAsync(Account account, OneAccount accounts, LoginCommand login, CancellationToken cancellationToken)
    {
        if (AccountMetrics.NeedsLogin(account) && account.Login is not LoginMethod.Unattended
            && await login.LogInAsync(account, paste: false, openBrowser: true, cancellationToken) is not ExitCode.Done and var code)
        {
            return code;
        }
        return await account.TokenManager.GetTokenAsync(cancellationToken) is null ? accounts.Explain(account) : ExitCode.Done;
    }
}
