namespace Exporter;

/// <summary>The commands of the sources. Each works on one account of its source.</summary>
internal static class SourceCommands
{
    public static void AddTo(CommandLine program)
    {
        foreach (var source in program.Sources)
        {
            foreach (var command in source.Commands)
            {
                Add(program, source.Name, command);
            }
        }
    }

    private static void Add(CommandLine program, string source, SourceCommand declaration)
    {
        var command = new Command(declaration.Name[^1], declaration.Help);
        var account = declaration.RunAsync is not null ? _ => null
            : declaration.Arguments.Count == 0 ? AddAccountArgument()
            : AddOption(new("--account", CommandLine.AccountHelp, "NAME"), program.AccountNames);
        var repeated = (Argument<string[]>?)null;
        var values = declaration.Arguments.Where(a => !a.IsRepeated).Select(a => (a.Name, Value: AddArgument(a))).ToList();
        if (declaration.Arguments.LastOrDefault(a => a.IsRepeated) is { } last)
        {
            var arity = last.IsRequired ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore;
            command.Add(repeated = new Argument<string[]>(last.Name) { Description = last.Help, Arity = arity });
        }
        values.AddRange(declaration.Options.OrderByDescending(o => o.Placeholder is null).Select(o => (o.Name, AddOption(o))));
        var notes = new CommandNotes(
            CommandGroup.Sources, declaration.Examples, declaration.RunAsync is not null ? [] : [Configuration.ConfigFile, .. declaration.Settings]);
        if (declaration.RunAsync is not null)
        {
            program.AddUnconfigured(command, notes, RunUnconfiguredAsync, StoreAccess.ReadOnlyCommand, declaration.Name.SkipLast(1));
        }
        else
        {
            program.Add(command, notes, RunAsync, groups: declaration.Name.SkipLast(1));
        }

        Func<ParseResult, string?> AddAccountArgument()
        {
            var argument = program.AccountArgument();
            command.Add(argument);
            return result => result.GetValue(argument);
        }

        Func<ParseResult, string?> AddArgument(CommandArgument declared)
        {
            var arity = declared.IsRequired ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne;
            var argument = new Argument<string?>(declared.Name) { Description = declared.Help, Arity = arity };
            command.Add(argument);
            return result => result.GetValue(argument);
        }

        Func<ParseResult, string?> AddOption(CommandOption declared, Func<ParseResult, IEnumerable<string>>? completions = null)
        {
            if (declared.Placeholder is null)
            {
                var option = CommandLine.Switch(declared.Name, declared.Help);
                command.Add(option);
                return result => result.GetValue(option) ? "" : null;
            }
            var valued = new Option<string?>(declared.Name) { Description = declared.Help, HelpName = declared.Placeholder };
            valued.CompletionSources.Add(context => completions?.Invoke(context.ParseResult) ?? []);
            command.Add(valued);
            return result => result.GetValue(valued);
        }

        CommandCall CallOf(ParseResult result, Terminal terminal, TimeProvider time, Func<CancellationToken, Task<int>> logInAsync)
        {
            var given = values.Where(v => v.Value(result) is not null).ToDictionary(v => v.Name, v => v.Value(result)!);
            return new CommandCall(given, terminal, time, logInAsync) { Repeated = (repeated is null ? null : result.GetValue(repeated)) ?? [] };
        }

        Task<int> RunUnconfiguredAsync(ParseResult result, CancellationToken cancellationToken) => declaration.RunAsync!(
            CallOf(result, program.Terminal, program.Time, _ => Task.FromResult(ExitCode.Done)), cancellationToken);

        async Task<int> RunAsync(CommandContext context, ParseResult result, CancellationToken cancellationToken)
        {
            var options = context.Options with { Accounts = [.. context.Options.Accounts.Where(a => a.Source == source)] };
            if (context.Options.Accounts.Count > 0 && options.Accounts.Count == 0)
            {
                return context.Terminal.Fail($"There is no account of {source}; configure one with source: {source}.");
            }
            var accounts = context with { Options = options };
            return await accounts.RunAsync(account(result), async opened =>
            {
                var call = CallOf(result, context.Terminal, context.Time, token => LogInAsync(accounts, opened, token));
                try
                {
                    return await opened.Commands[declaration](call, cancellationToken);
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    // Such a command runs until shutdown, so that is its success.
                    return ExitCode.Done;
                }
            }, cancellationToken);
        }
    }

    private static async Task<int> LogInAsync(CommandContext context, Account account, CancellationToken cancellationToken)
    {
        if (AccountMetrics.NeedsLogin(account) && account.Login is not LoginMethod.Unattended)
        {
            // The output is for the results of the command.
            var errorOnly = context with { Terminal = context.Terminal with { Output = context.Terminal.Error } };
            var exitCode = await new LoginCommand(errorOnly).LogInAsync(account, paste: false, openBrowser: true, cancellationToken);
            if (exitCode != ExitCode.Done)
            {
                return exitCode;
            }
        }
        return await account.TokenManager.GetTokenAsync(cancellationToken) is null ? context.ReportFailure(account) : ExitCode.Done;
    }
}
